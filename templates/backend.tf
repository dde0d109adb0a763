# The part of the backend that is the same for each environment. The rest is in a file of its own,
# so that a plain `terraform init` never uses another environment's state by mistake:
#
#   terraform init -backend-config=FILE
terraform {
{% if use_lockfile %}
  # The first version that knows `use_lockfile`.
  required_version = ">= 1.10"

{% endif %}
  backend "s3" {
    encrypt = true
  }
}
