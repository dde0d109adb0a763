# states
! printf 'terraform {\n  backend "local" {\n    path = "a.tfstate"\n  }\n}\n' > main.tf
$ state list
! printf '{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"l","outputs":{},"resources":[]}' > a.tfstate.backup
! printf '{"version":4,"terraform_version":"1.11.4","serial":2,"lineage":"l","outputs":{"one":{"value":1,"type":"number"}},"resources":[]}' > a.tfstate
$ state list
$ state list --output json
$ state versions
$ state show
$ state show --output json
$ state diff file=a.tfstate.backup current
$ state diff previous current
$ state pull --out pulled.tfstate
$ state backup --backup-dir copies
$ state backup --all-versions
$ state check
$ state restore
$ state restore --version-id file=a.tfstate.backup
$ state restore --from-backup a.tfstate.backup -y
! sleep 1
$ state restore --from-backup pulled.tfstate -y --output json
$ state restore --from-backup main.tf -y
$ state list --backend local --path none.tfstate
$ state list --path a.tfstate

# locks
$ lock list
$ lock list --output json
$ lock show
$ lock release --id one -y
! printf '{"ID":"one","Operation":"OperationTypeApply","Info":"","Who":"ci@gone","Version":"1.11.4","Created":"2026-11-21T07:00:00Z","Path":"a.tfstate"}' > .a.tfstate.lock.info
$ lock list
$ lock list --output json
$ lock show
$ lock show --output json
$ state list
$ state check
$ state check --output json
$ lock release --id two -y
$ lock release --id one
$ lock release --id one -y --output json
$ lock list --exit-code
$ lock migrate --to s3 --check
