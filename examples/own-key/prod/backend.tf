# Written by tfbackend. Change its settings, not this file.
# sha256: 7cb6a4aeecb6c2b0bfeb95a4e8bb1fc650c977f689dc208ec17987e9491f45b2

# The part of the backend that all environments share. The rest is in one file per environment,
# so that a plain `terraform init` never uses another environment's state by mistake:
#
#   terraform init -backend-config=FILE
terraform {
  # The first version that supports `use_lockfile`.
  required_version = ">= 1.10"

  backend "s3" {
    encrypt = true
  }
}
