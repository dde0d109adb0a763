# An article on the s3 backend block for Terraform and OpenTofu, in English. It asks for "a pre-existing Amazon S3 bucket" and
# "a DynamoDB table", and shows an IAM policy for whoever runs Terraform.
#
# Changed so that it loads:
# - It has no configuration of the bucket and the table: here they are, with a name and the key that a lock table
#   needs, as the console makes them.
# - Its IAM policy is JSON with a made-up account: here it is a resource, and the account is that of the caller.
resource "aws_s3_bucket" "article" {
  bucket = "my-terraform-state-bucket"
}

resource "aws_dynamodb_table" "article" {
  name         = "terraform-locks"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "LockID"

  attribute {
    name = "LockID"
    type = "S"
  }
}

resource "aws_iam_policy" "article" {
  name = "terraform-state"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = "s3:*"
        Resource = "${aws_s3_bucket.article.arn}/*"
      },
      {
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = aws_s3_bucket.article.arn
      },
      {
        Effect   = "Allow"
        Action   = "dynamodb:*"
        Resource = aws_dynamodb_table.article.arn
      },
    ]
  })
}
