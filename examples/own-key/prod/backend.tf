# Written by tfbackend. Change its settings, not this file.
# sha256: 98f0d3aee85ac5c55d7c522e62a9ece9fd835b8ce24c32b11b16df234d25ee1d

# The part of the backend that is the same for each environment. The rest is in a file of its own,
# so that a plain `terraform init` never uses another environment's state by mistake:
#
#   terraform init -backend-config=FILE
terraform {
  # The first version that knows `use_lockfile`.
  required_version = ">= 1.10"

  backend "s3" {
    encrypt = true
  }
}
