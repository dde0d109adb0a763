# bootstrap
$ bootstrap --backend local --env dev --non-interactive
$ plan --backend local --env dev --project acme
$ plan --backend local --env dev --project acme --output json
$ plan --backend local --env dev --project acme --detailed-exitcode
$ plan --backend local --env dev --project acme --needed-actions
$ bootstrap --backend local --env dev --project acme
$ bootstrap --backend local --env dev --project acme --region eu-west-1 -y
$ bootstrap --backend local --env dev --project acme -y
cat backend.tf
cat backend.conf
$ bootstrap --backend local --env dev --project acme -y
$ bootstrap --backend local --env dev --project acme -y --output json
$ plan --backend local --env dev --project acme -v
$ config show --backend local --env dev --project acme
$ config init --backend local --env dev --project acme
cat tfbackend.toml
$ config show --env dev
$ plan

# drift
! chmod 755 $HOME_OF_PLACE/.local/share/tfbackend/acme/dev
! printf '{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"l","outputs":{},"resources":[]}' > $HOME_OF_PLACE/.local/share/tfbackend/acme/dev/terraform.tfstate
! chmod 644 $HOME_OF_PLACE/.local/share/tfbackend/acme/dev/terraform.tfstate
$ plan
$ verify
$ verify --output json
$ bootstrap -y
$ verify
! echo 'path = "elsewhere"' > backend.conf
$ render --check
$ verify --output markdown
$ render
$ render --overwrite --use-existing-state
$ bootstrap --state-dir ~/home/.local -y
$ bootstrap --state-dir relative -y
! mkdir -p .git
$ verify
! rmdir .git

# teardown
$ teardown --plan
$ teardown --plan --output json
$ teardown
$ teardown --confirm nothing --unprotect
$ teardown --confirm ~/home/.local/share/tfbackend/acme/dev
$ verify --all
