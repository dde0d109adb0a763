# config
$ config show @
$ config show @ --output json
$ config show @ -v
$ config init @
$ config init @ --output json
cat tfbackend.toml
$ config init @ --noncurrent-days 400
$ config init --env dev --region eu-west-1 --ephemeral --output json
cat tfbackend.toml
$ config show --env dev
$ config show --env dev --output json
$ config show --env stage
$ config show

# kinds
cat tfbackend.toml
$ plan --env dev --table locks
$ plan --env prod --project acme --backend local --table locks
$ plan --env prod --project acme --backend local --table locks --output json
$ plan --env prod --project acme --region eu-west-1 --state-dir /srv/states
$ plan --env prod --backend postgres

# missing
! rm tfbackend.toml
$ plan
$ plan --output json
$ plan --env prod
$ bootstrap --env prod --region eu-west-1 --non-interactive
$ bootstrap --env prod --region eu-west-1 --non-interactive --output json
$ verify --all
$ state list
$ state list --output json
$ lock list
$ teardown --env prod

# wrong
$ plan --env Prod! --project acme --region eu-west-1
$ plan --env prod --project acme --region frankfurt
$ plan @ --noncurrent-days many
$ plan @ --bucket UPPER
$ plan @ --kms-key alias/mine
$ plan @ --tag nothing
$ plan @ --lock dynamo
$ plan @ --lock dynamo --output json
$ plan @ --account 111111111111
$ plan @ --account 111111111111 --output json
$ plan @ --lock s3 --table mine
$ plan @ --no-such
$ nothing
$ state nothing
$ plan @ --output sarif
$ plan @ --config missing.toml
$ state list --chdir missing
$ config show @ --output html
! printf 'project = "acme"\nregoin = "eu-west-1"\n[env.prod]\nregion = 7\n' > tfbackend.toml
$ plan --env prod
$ plan --env prod --output json
! printf 'project = "acme"\n[env.prod\n' > tfbackend.toml
$ plan --env prod
! rm tfbackend.toml
set TFBACKEND_REGION nowhere
$ plan --env prod --project acme
unset TFBACKEND_REGION

# no_credentials
unset AWS_SHARED_CREDENTIALS_FILE
unset AWS_CONFIG_FILE
$ plan @
$ plan @ --output json
$ bootstrap @ -y
$ verify @
$ state list @
$ lock list @
$ teardown @ --plan
$ plan @ --profile absent

# no_answer
set AWS_ACCESS_KEY_ID AKIDEXAMPLE
set AWS_SECRET_ACCESS_KEY secret
$ plan @
$ plan @ --output json
set AWS_ENDPOINT_URL https://127.0.0.1:9
set AWS_MAX_ATTEMPTS 1
$ plan @

# besides
$ sandbox status
$ sandbox status --output json
$ sandbox down
$ sandbox down --output json
$ sandbox run true
$ --output json sandbox run true
$ completions bash --output json
$ completions nothing
$ man pages
$ man pages --output json
$ --version
$ version

# backends
$ backends
$ backends --output json
