# render
$ render @
$ bootstrap @ -y --quiet --access-logs=false --trail off --alarms=false
! rm backend.tf
$ render @ --check
$ render @ --check --output json
$ render @
$ render @ --output json
! echo 'bucket = "mine"' > backend.conf
$ render @ --check
$ render @
$ render @ --output json
$ render @ --overwrite
cat backend.conf
! rm backend.tf; echo 'terraform { backend "s3" {} }' > main.tf
$ render @
$ render @ --dir infra --conf-file prod.s3.tfbackend --tf-file state.tf
cat infra/state.tf
cat infra/prod.s3.tfbackend
