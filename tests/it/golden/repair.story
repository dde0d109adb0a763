# drift
$ bootstrap @ -y --quiet
py drift
$ plan @
$ plan @ --output json
$ bootstrap @ -y --output json

# saved
$ plan @ --noncurrent-days 500 --out prod.plan
$ plan @ --noncurrent-days 500 --out other.plan --quiet
$ bootstrap prod.plan
$ bootstrap prod.plan -y
$ bootstrap other.plan -y --output json
$ bootstrap missing.plan -y
! echo '{}' > no.plan
$ bootstrap no.plan -y
