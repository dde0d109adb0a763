# from_nothing
$ plan @
$ plan @ --output json
$ plan @ --detailed-exitcode --quiet
$ plan @ --needed-actions
$ bootstrap @
$ bootstrap @ --output json

# first
$ bootstrap @ -y
cat backend.tf
cat backend.conf

# again
$ bootstrap @ -y
$ bootstrap @ -y --output json
$ plan @
$ plan @ -v
$ render @ --check
$ render @ --check --output json

# changes
$ plan @ --noncurrent-days 400 --lock both --tag Owner=platform
$ plan @ --noncurrent-days 400 --lock both --tag Owner=platform --output json
$ bootstrap @ --noncurrent-days 400 --lock both --tag Owner=platform
$ bootstrap @ --noncurrent-days 400 --lock both --tag Owner=platform -y
cat backend.conf
$ bootstrap @ --lock dynamodb --output json -y
