# nothing
$ bootstrap @ --lock dynamodb -y --quiet
$ state list
$ state list --output json
$ state versions
$ state show
$ state check
$ state check --output json

# list
py states
$ state list
$ state list @
$ state list @ --output json
$ state versions
$ state versions --output json
$ state versions --workspace blue
$ state show
$ state show --output json
$ state show --version-id previous
$ state diff previous current
$ state diff serial=1 current --output json
$ state pull
$ state pull --out pulled.tfstate
$ state pull --out pulled.tfstate
$ state pull --out pulled.tfstate --overwrite --output json
$ state show --version-id serial=9
$ state show no/such.tfstate
$ state show --workspace nothing

# backup
$ state backup --backup-dir copies
$ state backup --all-versions --backup-dir histories --output json

# check
$ state check
$ state check --output json
py damage
$ state check
$ state check --output json
$ state list
$ state check terraform.tfstate --repair
$ state check terraform.tfstate --repair -y
$ state check terraform.tfstate --output json

# restore
$ state restore
$ state restore --version-id previous
$ state restore --serial 1 -y
$ state versions
! sleep 1
$ state restore --serial 2 -y --output json
$ state restore --version-id serial=99 -y
! sleep 1
$ state restore --from-backup pulled.tfstate -y
py delete
$ state show
$ state check
$ state versions --limit 2
$ state restore --version-id previous -y
