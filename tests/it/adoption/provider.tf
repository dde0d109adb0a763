# What all of the configurations beside this file need: the AWS provider, and where it finds the emulator
# (its endpoint, certificate and credentials are in the environment).
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }
}

provider "aws" {
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
}

data "aws_caller_identity" "current" {}
