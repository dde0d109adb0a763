# plan
! printf 'project = "acme"\nregion = "eu-west-1"\n[env.prod]\nlock = "both"\n' > tfbackend.toml
$ bootstrap --env prod -y --quiet
! mkdir -p app/terraform.tfstate.d/blue && echo 'resource "terraform_data" "one" {}' > app/main.tf
! echo '{"version":4,"terraform_version":"1.11.4","serial":5,"lineage":"one","outputs":{},"resources":[]}' > app/terraform.tfstate
! echo '{"version":4,"terraform_version":"1.11.4","serial":2,"lineage":"two","outputs":{},"resources":[]}' > app/terraform.tfstate.d/blue/terraform.tfstate
$ migrate --from ./app --to prod --plan
$ migrate --from ./app --to prod --plan --output json
$ migrate --from ./app --to prod

# carried_out
$ migrate --from ./app --to prod -y
cat app/backend.tf
cat app/terraform.tfstate.backup
$ migrate --from ./app --to prod -y
$ migrate --from ./app --to prod -y --output json
$ state list

# back
$ migrate --from prod --to local:app --workspace blue -y
$ migrate --from prod --to local:app -y --output json
cat app/terraform.tfstate

# refused
$ migrate --from prod --to env:prod -y
! echo '{"version":4,"terraform_version":"1.11.4","serial":9,"lineage":"other","outputs":{},"resources":[]}' > other.tfstate
$ migrate --from local:other.tfstate --to local:app -y
$ migrate --from local:other.tfstate --to local:app --plan --output json
$ migrate --from local:other.tfstate --to local:new.tfstate --workspace green -y
$ migrate --from local:nothing.tfstate --to local:new.tfstate -y
$ migrate --from ./nothing.conf --to prod -y
$ migrate --from gs://acme/app --to prod
$ migrate --from prod
