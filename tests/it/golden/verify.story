# missing
$ verify @

# clean
$ bootstrap @ -y --quiet
py states
$ verify @
$ verify @ -v
$ verify @ --output json
$ verify @ --read-states
$ verify @ --usage

# drift
py drift
$ verify @
$ verify @ --output json
$ verify @ --min-severity critical
$ verify @ --output sarif
$ verify @ --output junit
$ verify @ --output markdown
$ verify @ --output html

# probe
$ verify @ --probe

# unmanaged
py foreign
$ verify --env old --project acme --region eu-west-1 --bucket tutorial-states
$ plan --env old --project acme --region eu-west-1 --bucket tutorial-states
$ plan --env old --project acme --region eu-west-1 --bucket tutorial-states --adopt
$ state list --bucket tutorial-states --region eu-west-1
$ state show --bucket tutorial-states --region eu-west-1 --key terraform.tfstate

# all
! printf 'project = "acme"\nregion = "eu-west-1"\n[env.dev]\n[env.prod]\n' > tfbackend.toml
$ verify --all
$ verify --all --output json --min-severity critical
$ verify --env dev
