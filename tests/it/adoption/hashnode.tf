# A post on Hashnode, in English (2023): a bucket by the AWS CLI, a policy for it, and a table in the configuration whose
# state it locks.
#
# Changed so that it loads:
# - The command that makes the bucket, and the policy (JSON), are resources here. The bucket has another name than in the
#   article beside, the account is that of the caller, and the user whom the policy names is there.
# - The table is made before the backend uses it; in the post, the first plan fails for want of it.
# - The instance that the post adds as an example is left out.
resource "aws_s3_bucket" "hashnode" {
  bucket = "my-terraform-state-bucket-2023"
}

resource "aws_iam_user" "hashnode" {
  name = "terraform-user"
}

resource "aws_s3_bucket_policy" "hashnode" {
  bucket = aws_s3_bucket.hashnode.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TerraformBucketPolicy"
        Effect    = "Allow"
        Principal = { AWS = aws_iam_user.hashnode.arn }
        Action    = ["s3:GetObject", "s3:PutObject"]
        Resource  = "${aws_s3_bucket.hashnode.arn}/*"
      },
    ]
  })
}

resource "aws_dynamodb_table" "terraform_state_lock" {
  name           = "my-terraform-state-lock"
  hash_key       = "LockID"
  read_capacity  = 5
  write_capacity = 5

  attribute {
    name = "LockID"
    type = "S"
  }
}
