# nothing
$ teardown @ --plan
$ teardown @ --plan --output json

# refused
$ bootstrap @ -y --quiet
py states
$ teardown @ --plan
$ teardown @ --plan --output json
$ teardown @
$ teardown @ --output json
$ teardown @ --confirm other
$ teardown @ --confirm acme-tfstate-prod-000000000000-eu-west-1
$ teardown @ --confirm acme-tfstate-prod-000000000000-eu-west-1 --unprotect
$ teardown @ --confirm acme-tfstate-prod-000000000000-eu-west-1 --unprotect --output json
$ teardown @ --cancel

# done
$ teardown @ --unprotect --purge-states --purge-logs --plan
$ teardown @ --confirm acme-tfstate-prod-000000000000-eu-west-1 --unprotect --purge-states --purge-logs
$ teardown @ --plan
$ verify @

# in_json
$ bootstrap @ --ephemeral -y --quiet --output json
$ teardown @ --ephemeral --confirm acme-tfstate-prod-000000000000-eu-west-1 --output json
