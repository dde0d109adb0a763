//! What is said makes no sense: found before anybody is called.

use std::fs;

use crate::support::program::Place;

#[test]
fn on_the_command_line() {
    let place = Place::bare();
    let base = "--env prod --project acme --region eu-west-1 -y";
    let mut all = String::new();
    for line in [
        "--env prod --project acme --region eu-wst-1 -y",
        "--env prod --project acme --region nowhere -y",
        "--env Prod --project acme --region eu-west-1 -y",
        "--env ../prod --project acme --region eu-west-1 -y",
        "--env prod --project a\"b --region eu-west-1 -y",
        "--env prod --project ${x} --region eu-west-1 -y",
        &format!("{base} --bucket Acme_States"),
        &format!("{base} --bucket 192.168.0.1"),
        &format!("{base} --bucket acme-s3alias"),
        &format!("{base} --table a/b"),
        &format!("{base} --key /a"),
        &format!("{base} --key a/../b"),
        &format!("{base} --key a//b"),
        &format!("{base} --key \u{1b}[2J"),
        &format!("{base} --kms-key alias/mine"),
        &format!(
            "{base} --kms-key \
             arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
        ),
        &format!(
            "{base} --kms-key \
             arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab \
             --encryption sse-s3"
        ),
        &format!("{base} --attach-to ci"),
        &format!("{base} --attach-to team/ci"),
        &format!("{base} --alarm-email ops"),
        &format!("{base} --lock none"),
        &format!("{base} --lock s3 --billing provisioned"),
        &format!("{base} --conf-file ../backend.conf"),
        &format!("{base} --account 12345"),
        &format!("{base} --parallelism 0"),
        &format!("{base} --evn dev"),
    ] {
        let said = place.bootstrap(line);
        assert_eq!(
            (said.code, said.out.as_str()),
            (Some(1), ""),
            "{line}: {}",
            said.all()
        );
        assert!(!said.err.contains('\u{1b}'), "{line}: {}", said.err);
        let last = line
            .strip_prefix(base)
            .unwrap_or(line)
            .trim()
            .escape_debug();
        let text: Vec<&str> = said
            .err
            .lines()
            .filter(|line| {
                !line.is_empty() && !line.starts_with("Usage:") && !line.contains("--help")
            })
            .collect();
        all.push_str(&format!("$ {last}\n{}\n", text.join("\n")));
    }
    insta::assert_snapshot!(all, @r#"
    $ --env prod --project acme --region eu-wst-1 -y
    error: invalid value 'eu-wst-1' for '--region <REGION>': is not a known region (did you mean `eu-west-1`?); a region is written like `eu-west-1`; one newer than this program like `any:eu-new-1`
    $ --env prod --project acme --region nowhere -y
    error: invalid value 'nowhere' for '--region <REGION>': is not a known region; a region is written like `eu-west-1`; one newer than this program like `any:eu-new-1`
    $ --env Prod --project acme --region eu-west-1 -y
    error: invalid value 'Prod' for '--env <NAME>': contains `P`; an environment is 1 to 31 lowercase letters, digits and single hyphens, neither begins nor ends with a hyphen, does not end in `-logs`, and has no part `tfstate`
    $ --env ../prod --project acme --region eu-west-1 -y
    error: invalid value '../prod' for '--env <NAME>': contains `.`; an environment is 1 to 31 lowercase letters, digits and single hyphens, neither begins nor ends with a hyphen, does not end in `-logs`, and has no part `tfstate`
    $ --env prod --project a\"b --region eu-west-1 -y
    error: invalid value 'a"b' for '--project <NAME>': contains `"`; a project is 1 to 31 lowercase letters, digits and single hyphens, and neither begins nor ends with a hyphen
    $ --env prod --project ${x} --region eu-west-1 -y
    error: invalid value '${x}' for '--project <NAME>': contains `$`; a project is 1 to 31 lowercase letters, digits and single hyphens, and neither begins nor ends with a hyphen
    $ --bucket Acme_States
    error: invalid value 'Acme_States' for '--bucket <NAME>': contains `A`; a bucket name is 3 to 63 lowercase letters, digits and hyphens, begins and ends with a letter or digit, and has no prefix or suffix that S3 reserves
    $ --bucket 192.168.0.1
    error: invalid value '192.168.0.1' for '--bucket <NAME>': contains `.`, which breaks TLS with the bucket's own host name; a bucket name is 3 to 63 lowercase letters, digits and hyphens, begins and ends with a letter or digit, and has no prefix or suffix that S3 reserves
    $ --bucket acme-s3alias
    error: invalid value 'acme-s3alias' for '--bucket <NAME>': ends with `-s3alias`; a bucket name is 3 to 63 lowercase letters, digits and hyphens, begins and ends with a letter or digit, and has no prefix or suffix that S3 reserves
    $ --table a/b
    error: invalid value 'a/b' for '--table <NAME>': contains `/`; a table name is 3 to 255 letters, digits, `_`, `.` and `-`
    $ --key /a
    error: invalid value '/a' for '--key <PATH>': begins with `/`; a state key is a path such as `app/terraform.tfstate`: up to 900 bytes, no `/` at either end, no `//`, no part `.` or `..`, none of `\`, `*` and `?`, and not ending in `.tflock`
    $ --key a/../b
    error: invalid value 'a/../b' for '--key <PATH>': has a part `..`; a state key is a path such as `app/terraform.tfstate`: up to 900 bytes, no `/` at either end, no `//`, no part `.` or `..`, none of `\`, `*` and `?`, and not ending in `.tflock`
    $ --key a//b
    error: invalid value 'a//b' for '--key <PATH>': contains `//`; a state key is a path such as `app/terraform.tfstate`: up to 900 bytes, no `/` at either end, no `//`, no part `.` or `..`, none of `\`, `*` and `?`, and not ending in `.tflock`
    $ --key \u{1b}[2J
    error: invalid value '' for '--key <PATH>': contains the invisible or control character U+001B; a state key is a path such as `app/terraform.tfstate`: up to 900 bytes, no `/` at either end, no `//`, no part `.` or `..`, none of `\`, `*` and `?`, and not ending in `.tflock`
    $ --kms-key alias/mine
    error: invalid value 'alias/mine' for '--kms-key <ARN>': is an alias, which each account resolves differently; a key is given by its full ARN, like `arn:aws:kms:eu-west-1:123456789012:key/UUID`
    $ --kms-key arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab
    error: `kms-key` is in eu-central-1, the backend in eu-west-1; both must be in
        one region (`kms-key`: command line, `region`: command line)
    $ --kms-key arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab --encryption sse-s3
    error: the argument '--kms-key <ARN>' cannot be used with '--encryption <KIND>'
    $ --attach-to ci
    error: invalid value 'ci' for '--attach-to <PRINCIPAL>': does not say whether it is a role, a user or a group; whom to attach to is written `role/NAME`, `user/NAME` or `group/NAME`, or as the ARN of one
    $ --attach-to team/ci
    error: invalid value 'team/ci' for '--attach-to <PRINCIPAL>': is a `team`, not a role, a user or a group; whom to attach to is written `role/NAME`, `user/NAME` or `group/NAME`, or as the ARN of one
    $ --alarm-email ops
    error: invalid value 'ops' for '--alarm-email <ADDRESS>': has no `@`; an e-mail address looks like `ops@example.com`
    $ --lock none
    error: invalid value 'none' for '--lock <MECHANISM>'
      [possible values: dynamodb, s3, both]
    $ --lock s3 --billing provisioned
    error: `billing` has no effect, because with `lock` `s3` there is no table;
        leave one of them out (`billing`: command line, `lock`: command line)
    $ --conf-file ../backend.conf
    error: invalid value '../backend.conf' for '--conf-file <NAME>': contains `/`; a file name has no `/`, `\`, `:` or `=`, does not begin with `-`, is at most 200 bytes long, and may contain `{env}`
    $ --account 12345
    error: invalid value '12345' for '--account <ID>': has 5 digits; an account id is 12 digits, without spaces or hyphens
    $ --parallelism 0
    error: invalid value '0' for '--parallelism <COUNT>': 0 is not in 1..=256
    $ --evn dev
    error: unexpected argument '--evn' found
    "#);
    assert_eq!(fs::read_dir(place.path()).expect("a folder").count(), 0);
}

#[test]
fn in_the_file_and_in_variables() {
    let mut place = Place::bare();
    let mut all = String::new();
    for text in [
        "projet = \"acme\"",
        "project = \"acme\"\n[env.prod]\nregoin = \"eu-west-1\"",
        "[prod]\nregion = \"eu-west-1\"",
        "[env.prod]\nproject = \"ac\\\"me\"",
        "[env.prod]\nlog-days = \"400\"",
        "[env.prod]\nkey = \"${var.key}\\u001b\"",
        "project = \"acme",
        "format = 2",
    ] {
        fs::write(place.path().join("tfbackend.toml"), text).expect("written");
        let said = place.bootstrap("--env prod --region eu-west-1 -y");
        assert_eq!(said.code, Some(1), "{text}: {}", said.all());
        all.push_str(&format!("$ {}\n{}", text.escape_debug(), said.err));
    }
    fs::remove_file(place.path().join("tfbackend.toml")).expect("removed");
    all.push_str(&format!(
        "$ --config\n{}",
        place.bootstrap("--env prod --config missing.toml").err
    ));
    place.set("TFBACKEND_REGOIN", "eu-west-1");
    all.push_str(&format!(
        "$ TFBACKEND_REGOIN\n{}",
        place.bootstrap("--env prod --project acme").err
    ));
    place.vars.remove("TFBACKEND_REGOIN");
    place.set("TFBACKEND_LOG_DAYS", "many");
    all.push_str(&format!(
        "$ TFBACKEND_LOG_DAYS\n{}",
        place.bootstrap("--env prod --project acme").err
    ));
    place.vars.remove("TFBACKEND_LOG_DAYS");
    place.set("TFBACKEND_ENV", "Prod");
    all.push_str(&format!(
        "$ TFBACKEND_ENV\n{}",
        place.bootstrap("--project acme").err
    ));
    insta::assert_snapshot!(all, @r#"
    $ projet = \"acme\"
    error: tfbackend.toml:1:1: unknown key `projet`; did you mean `project`?
    $ project = \"acme\"\n[env.prod]\nregoin = \"eu-west-1\"
    error: tfbackend.toml:3:1: unknown key `regoin`; did you mean `region`?
    $ [prod]\nregion = \"eu-west-1\"
    error: tfbackend.toml:1:2: unknown table `prod`; an environment is written
        `[env.prod]`
    $ [env.prod]\nproject = \"ac\\\"me\"
    error: tfbackend.toml:2:11: `project` contains `"`; a project is 1 to 31
        lowercase letters, digits and single hyphens, and neither begins nor ends
        with a hyphen
    $ [env.prod]\nlog-days = \"400\"
    error: tfbackend.toml:2:12: `log-days` must be a whole number, not text
    $ [env.prod]\nkey = \"${var.key}\\u001b\"
    error: tfbackend.toml:2:7: `key` contains the invisible or control character
        U+001B; a state key is a path such as `app/terraform.tfstate`: up to 900
        bytes, no `/` at either end, no `//`, no part `.` or `..`, none of `\`, `*`
        and `?`, and not ending in `.tflock`
    $ project = \"acme
    error: tfbackend.toml:1:16: invalid basic string, expected `"`
    $ format = 2
    error: tfbackend.toml:1:10: the format is 2, but this version supports only 1;
        use a newer tfbackend
    $ --config
    error: cannot read missing.toml
      caused by: No such file or directory (os error 2)
    $ TFBACKEND_REGOIN
    error: unknown variable `TFBACKEND_REGOIN`; did you mean `TFBACKEND_REGION`?
    $ TFBACKEND_LOG_DAYS
    error: variable `TFBACKEND_LOG_DAYS`: `log-days` is `many`; it must be a whole
        number
    $ TFBACKEND_ENV
    error: variable TFBACKEND_ENV: contains `P`; an environment is 1 to 31 lowercase
        letters, digits and single hyphens, neither begins nor ends with a hyphen,
        does not end in `-logs`, and has no part `tfstate`
    "#);
}
