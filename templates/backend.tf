# The part of the backend that all environments share. The rest is in one file per environment,
# so that a plain `terraform init` never uses another environment's state by mistake:
#
#   terraform init -backend-config=FILE
terraform {
{% if use_lockfile %}
  # The first version that supports `use_lockfile`.
  required_version = ">= 1.10"

{% endif %}
{% if label == "s3" %}
  backend "s3" {
    encrypt = true
  }
{% else %}
  backend {{ label }} {}
{% endif %}
}
