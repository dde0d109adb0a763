# none
$ bootstrap @ --lock both -y --quiet
py states
$ lock list
$ lock list --output json
$ lock list --exit-code
$ lock show
$ lock show --output json
$ lock release --id one -y

# held
py locks
$ lock list
$ lock list --output json
$ lock list --exit-code --quiet
$ lock list @ --lock both
$ lock show
$ lock show --output json
$ lock show --workspace blue
$ state list
$ state restore --serial 1 -y
$ lock migrate --to s3 --check
$ lock migrate --to s3 --check --output json
$ lock migrate --to s3 -y
$ teardown @ --lock both --plan

# release
$ lock release
$ lock release 00000000-0000-0000-0000-000000000001
$ lock release 00000000-0000-0000-0000-000000000001 -y
$ lock release --older-than 1h -y --output json
$ lock release --id 00000000-0000-0000-0000-000000000002 -y --output json
$ lock list
