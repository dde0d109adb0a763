# What guides on state backends have one make with the AWS provider: a bucket with a key, a lock table, two alarms, a trail.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "5.100.0" }
  }
}

provider "aws" {
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
}

data "aws_caller_identity" "me" {}

locals {
  states = "guide-states-${data.aws_caller_identity.me.account_id}"
  audit  = "guide-audit-${data.aws_caller_identity.me.account_id}"
}

resource "aws_kms_key" "states" {
  description             = "Terraform states"
  deletion_window_in_days = 10
  enable_key_rotation     = true
}

resource "aws_kms_alias" "states" {
  name          = "alias/guide-states"
  target_key_id = aws_kms_key.states.key_id
}

resource "aws_s3_bucket" "states" {
  bucket = local.states
  tags   = { Name = "Terraform states", Environment = "production", ManagedBy = "terraform" }
}

resource "aws_s3_bucket_versioning" "states" {
  bucket = aws_s3_bucket.states.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "states" {
  bucket = aws_s3_bucket.states.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.states.arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "states" {
  bucket                  = aws_s3_bucket.states.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "states" {
  bucket = aws_s3_bucket.states.id
  rule {
    id     = "old-versions"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = 90
    }
  }
}

resource "aws_dynamodb_table" "locks" {
  name         = "guide-locks"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "LockID"
  tags         = { Name = "Terraform locks", Environment = "production" }
  attribute {
    name = "LockID"
    type = "S"
  }
  point_in_time_recovery {
    enabled = true
  }
  server_side_encryption {
    enabled = true
  }
}

resource "aws_cloudwatch_metric_alarm" "size" {
  alarm_name          = "guide-states-size"
  alarm_description   = "The states take too much room"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 2
  namespace           = "AWS/S3"
  metric_name         = "BucketSizeBytes"
  period              = 86400
  statistic           = "Average"
  threshold           = 1073741824
  dimensions          = { BucketName = aws_s3_bucket.states.id, StorageType = "StandardStorage" }
}

resource "aws_cloudwatch_metric_alarm" "locks" {
  alarm_name          = "guide-lock-errors"
  alarm_description   = "Too many locks are refused"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  namespace           = "AWS/DynamoDB"
  metric_name         = "UserErrors"
  period              = 300
  statistic           = "Sum"
  threshold           = 5
  dimensions          = { TableName = aws_dynamodb_table.locks.name }
}

resource "aws_s3_bucket" "audit" {
  bucket = local.audit
}

resource "aws_s3_bucket_policy" "audit" {
  bucket = aws_s3_bucket.audit.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Principal = { Service = "cloudtrail.amazonaws.com" }, Action = "s3:GetBucketAcl", Resource = aws_s3_bucket.audit.arn },
      { Effect = "Allow", Principal = { Service = "cloudtrail.amazonaws.com" }, Action = "s3:PutObject", Resource = "${aws_s3_bucket.audit.arn}/AWSLogs/*" },
    ]
  })
}

resource "aws_cloudtrail" "states" {
  name                          = "guide-states"
  s3_bucket_name                = aws_s3_bucket.audit.id
  is_multi_region_trail         = true
  include_global_service_events = true
  event_selector {
    read_write_type           = "All"
    include_management_events = true
    data_resource {
      type   = "AWS::S3::Object"
      values = ["${aws_s3_bucket.states.arn}/"]
    }
  }
  depends_on = [aws_s3_bucket_policy.audit]
}
