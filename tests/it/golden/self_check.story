# good
! mkdir -p "$HOME_OF_PLACE/bin"
! printf '#!/bin/sh\necho "Terraform v1.11.4"\n' > "$HOME_OF_PLACE/bin/terraform"; chmod +x "$HOME_OF_PLACE/bin/terraform"
! printf '#!/bin/sh\necho 3 12\n' > "$HOME_OF_PLACE/bin/python3"; chmod +x "$HOME_OF_PLACE/bin/python3"
set PATH ~/home/bin
$ self-check @
$ self-check @ --output json
$ self-check @ --quiet

# problems
! rm "$HOME_OF_PLACE/bin/terraform"
! printf 'project = "acme"\nregoin = "eu-west-1"\n' > tfbackend.toml
set TFBACKEND_FAVOURITE_COLOUR blue
set AWS_ENDPOINT_URL_KMS https://127.0.0.1:9
$ self-check @
$ self-check @ --output json
unset TFBACKEND_FAVOURITE_COLOUR
unset AWS_ENDPOINT_URL_KMS
! rm tfbackend.toml
$ self-check --sandbox
$ self-check --output sarif

# no_credentials
unset AWS_SHARED_CREDENTIALS_FILE
unset AWS_CONFIG_FILE
$ self-check

# kind
$ self-check --backend local --env dev --project acme
$ self-check --backend local --output json
