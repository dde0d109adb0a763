# Written by tfbackend. Change its settings, not this file.
# sha256: 7e122731a387f10fc9b7a43bfe40a9ced1d4dfd3d7b45b3276e20d394880578c

# The part of the backend that all environments share. The rest is in one file per environment,
# so that a plain `terraform init` never uses another environment's state by mistake:
#
#   terraform init -backend-config=FILE
terraform {
  backend "s3" {
    encrypt = true
  }
}
