#!/bin/sh
# The same as guide.tf, as the guides' steps with the AWS CLI: one call after the other.
set -eu
account=$(aws sts get-caller-identity --query Account --output text)
states=guide-states-$account
audit=guide-audit-$account
trail() { aws cloudtrail "$@" >/dev/null; }

key=$(aws kms create-key --description "Terraform states" --query KeyMetadata.Arn --output text)
aws kms enable-key-rotation --key-id "$key"
aws kms create-alias --alias-name alias/guide-states --target-key-id "$key"

aws s3api create-bucket --bucket "$states" >/dev/null
aws s3api put-bucket-tagging --bucket "$states" \
    --tagging 'TagSet=[{Key=Name,Value="Terraform states"},{Key=Environment,Value=production},{Key=ManagedBy,Value=hand}]'
aws s3api put-bucket-versioning --bucket "$states" --versioning-configuration Status=Enabled
aws s3api put-bucket-encryption --bucket "$states" --server-side-encryption-configuration \
    "{\"Rules\":[{\"ApplyServerSideEncryptionByDefault\":{\"SSEAlgorithm\":\"aws:kms\",\"KMSMasterKeyID\":\"$key\"}}]}"
aws s3api put-public-access-block --bucket "$states" --public-access-block-configuration \
    BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
aws s3api put-bucket-lifecycle-configuration --bucket "$states" --lifecycle-configuration \
    '{"Rules":[{"ID":"old-versions","Status":"Enabled","Filter":{"Prefix":""},"NoncurrentVersionExpiration":{"NoncurrentDays":90}}]}' >/dev/null

aws dynamodb create-table --table-name guide-locks --billing-mode PAY_PER_REQUEST --sse-specification Enabled=true \
    --attribute-definitions AttributeName=LockID,AttributeType=S --key-schema AttributeName=LockID,KeyType=HASH \
    --tags Key=Name,Value="Terraform locks" Key=Environment,Value=production >/dev/null
aws dynamodb wait table-exists --table-name guide-locks
aws dynamodb update-continuous-backups --table-name guide-locks \
    --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true >/dev/null

aws cloudwatch put-metric-alarm --alarm-name guide-states-size --alarm-description "The states take too much room" \
    --comparison-operator GreaterThanThreshold --evaluation-periods 2 --namespace AWS/S3 --metric-name BucketSizeBytes \
    --period 86400 --statistic Average --threshold 1073741824 \
    --dimensions Name=BucketName,Value="$states" Name=StorageType,Value=StandardStorage
aws cloudwatch put-metric-alarm --alarm-name guide-lock-errors --alarm-description "Too many locks are refused" \
    --comparison-operator GreaterThanThreshold --evaluation-periods 1 --namespace AWS/DynamoDB --metric-name UserErrors \
    --period 300 --statistic Sum --threshold 5 --dimensions Name=TableName,Value=guide-locks

aws s3api create-bucket --bucket "$audit" >/dev/null
aws s3api put-bucket-policy --bucket "$audit" --policy "{\"Version\":\"2012-10-17\",\"Statement\":[
    {\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"cloudtrail.amazonaws.com\"},\"Action\":\"s3:GetBucketAcl\",\"Resource\":\"arn:aws:s3:::$audit\"},
    {\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"cloudtrail.amazonaws.com\"},\"Action\":\"s3:PutObject\",\"Resource\":\"arn:aws:s3:::$audit/AWSLogs/*\"}]}"
trail create-trail --name guide-states --s3-bucket-name "$audit" --is-multi-region-trail --include-global-service-events
trail put-event-selectors --trail-name guide-states --event-selectors \
    "[{\"ReadWriteType\":\"All\",\"IncludeManagementEvents\":true,\"DataResources\":[{\"Type\":\"AWS::S3::Object\",\"Values\":[\"arn:aws:s3:::$states/\"]}]}]"
trail start-logging --name guide-states
