# migrate
$ bootstrap @ --lock both -y --quiet
py states
$ lock migrate --to s3 --check
$ lock migrate --to s3 -y
$ lock migrate --to both --check
$ lock migrate --to both
$ lock migrate --to both -y
$ lock migrate --to s3 --check
$ lock migrate --to s3 --check --output json
! sleep 1
$ lock migrate --touch
$ lock migrate --touch -y
$ lock migrate --to s3 --check
$ lock migrate --to s3 --min-version 1.9.0 -y
$ lock migrate --to s3 --min-version 1.11.4 -y
cat backend.conf
$ lock list
$ lock migrate --to both -y --output json
cat backend.conf
$ lock migrate --to s3 --drop-table -y --output json
