# Written by tfbackend. Change its settings, not this file.
# sha256: 2457e63bb2a0993f3b7d1466f46f5c43438f73d81be0d6f8f16773ddbf19313f

# The part of the backend that is the same for each environment. The rest is in a file of its own,
# so that a plain `terraform init` never uses another environment's state by mistake:
#
#   terraform init -backend-config=FILE
terraform {
  backend "s3" {
    encrypt = true
  }
}
