//! The reference of all settings, made from what the command line declares.

use serde_json::Value;

use crate::settings::{
    options::{OptionInfo, SettingOptions, ValueType, said},
    resolve::defaults,
};

/// `docs/settings.md`.
pub fn settings_page() -> String {
    let options = SettingOptions::shared();
    let defaults = said(&defaults());
    let mut page = HEAD.to_owned();
    let mut heading = "";
    for option in options.all() {
        if option.heading != heading {
            heading = &option.heading;
            page.push_str(&format!("\n## {heading}\n"));
        }
        page.push_str(&section(option, defaults.get(&option.name)));
    }
    page
}

const HEAD: &str = "\
<!-- Made from the program by a test; change the program, then run the tests with UPDATE_DOCS=1. \
                    -->
# Settings

Every setting of an environment has one name, in four places: the flag `--name`, the variable \
                    `TFBACKEND_NAME`, the key
`name` in `tfbackend.toml`, and a question of `tfbackend bootstrap` for some. When several say it, \
                    the first of these holds:

1. the command line;
2. the variable (lists with commas; an empty variable says nothing);
3. `[env.NAME]` in `tfbackend.toml`;
4. the top level of `tfbackend.toml`, for every environment;
5. the answer to a question, which is asked only where 1 to 4 say nothing;
6. for the region, `AWS_REGION`, then `AWS_DEFAULT_REGION`, then the region of the AWS profile;
7. of an environment that is there already, what it has: \"kept as it is\";
8. the default.

Number 7 is read from the environment's own resources, and from the partial configuration that \
                    tfbackend wrote in the folder: so
no settings file is needed to run again from another machine. The state key is that of the file \
                    only. A part that is not there is
made, unless another part shows that it was left out on purpose: the policy of the key has no \
                    statement for a trail, for example.
A kept value that protects less than the default is found by `verify` until something says it. \
                    What was said of a live
environment and would hide its states from runs, or runs from each other (`key`, \
                    `workspace-key-prefix`, `bucket`, `namespace`,
`table`, `lock`), is refused, with the command that does it safely.

Lists replace each other, they do not add up; `[]` in the file says \"none\". Of two settings that \
                    exclude each other, the one
from the higher place holds; in the same place they are an error. A setting without effect, such \
                    as capacity without
provisioned billing, is an error too, unless it comes from a lower place than what takes its \
                    effect away.

Two defaults depend on the folder that the files are written to. `key` is the place of the folder \
                    in its Git repository, as in
`network/terraform.tfstate`; `conf-file` is `{env}.s3.tfbackend` where `tfbackend.toml` has \
                    several environments. A folder that
has a partial configuration of tfbackend for the environment keeps its name and its key
([more](how-it-works.md#folders-and-states)).

`tfbackend.toml` is the file that `--config` or `TFBACKEND_CONFIG` names; else it is searched for \
                    in the working directory and
the folders above it, up to the root of the Git repository. What it does not understand is an \
                    error, with line and column.

A file that is found may have come with a checkout, so it decides nothing that the caller decides:

- it must belong to you or to root; that of another user is refused unless `--config` names it;
- `auto-approve`, `non-interactive`, `adopt` and `overwrite` cannot be set in it;
- `out` in it is relative to the working directory, and must lead to a folder below that of the \
                    file, with every link followed;
- `conf-file` and `tf-file` in it must not begin with `.`, and must have an ending of Terraform's: \
                    `.tf`, `.tofu`, `.tfbackend`,
  `.conf`, `.config`, `.hcl` or `.tfvars`;
- it has at most 256 KiB.

Whose credentials calls are made with can differ from environment to environment: `profile`, and \
                    `role-arn` (with `external-id`), which
is assumed with the credentials of the profile. What a file says of them is said in a note of \
                    every command that calls AWS. The role
needs what [permissions](permissions.md) lists; a `--profile` on the command line replaces the \
                    profile only. With `conf-credentials` they
are written into the partial configuration (`profile` and `assume_role`, which Terraform and \
                    OpenTofu know from 1.6), and Terraform uses
them as well: those of the settings file. A flag or a variable says them for this run, and for \
                    Terraform only where it also says
`conf-credentials`. What the partial configuration names already is kept. A profile that is named \
                    goes before credentials in variables. `none` leaves out what a weaker source \
                    says: a pipeline that has
its role already runs with `--profile none --role-arn none`. The sandbox has credentials of its \
                    own, and ignores all of them.

```toml
format = 1            # the format of this file; may be left out
project = \"acme\"

[env.prod]
region = \"eu-west-1\"
role-arn = \"arn:aws:iam::123456789012:role/admin\"
alarm-email = [\"ops@example.com\"]
tag = { Team = \"platform\" }

[env.dev]
region = \"eu-west-1\"
ephemeral = true
```

The environment itself is named by `--env` or `TFBACKEND_ENV`; the only one of the file is taken \
                    without. One that the file does
not have, although it has others, is an error without `--new-env`. A name is 1 to 31 lowercase \
                    letters, digits and single hyphens.
";

fn section(option: &OptionInfo, default: Option<&Value>) -> String {
    let OptionInfo {
        name,
        help,
        value_name,
        ..
    } = option;
    let flag = match option.shape {
        ValueType::Flag => format!("--{name}[=true|false]"),
        ValueType::List => format!("--{name} {value_name}` (again for each)`"),
        ValueType::Number | ValueType::Text => format!("--{name} {value_name}"),
    };
    let flag = format!("`{flag}`").replace(")``", ")");
    let example = match option.shape {
        ValueType::Flag => "true or false",
        ValueType::Number => "a number",
        ValueType::Text => "text",
        ValueType::List => "a list of texts",
    };
    let example = if option.is_of_the_caller() {
        "never"
    } else {
        example
    };
    let also = if name == "tag" { ", or a table" } else { "" };
    let mut text = format!("\n### `{name}`\n\n{help}.\n\n");
    text.push_str(&format!(
        "- Flag: {flag}\n- Variable: `{}`\n- In the file: {example}{also}\n",
        option.variable()
    ));
    text.push_str(&format!("- Default: {}\n", default_text(name, default)));
    if let Some(rule) = &option.rule {
        text.push_str(&format!("- Rule: {rule}\n"));
    }
    for (value, meaning) in &option.values {
        text.push_str(&format!("- `{value}`: {meaning}\n"));
    }
    if !option.excludes.is_empty() {
        let others: Vec<String> = option
            .excludes
            .iter()
            .map(|other| format!("`{other}`"))
            .collect();
        text.push_str(&format!("- Excludes {}\n", others.join(", ")));
    }
    text
}

fn default_text(name: &str, default: Option<&Value>) -> String {
    let value = match default {
        Some(Value::String(text)) => format!("`{text}`"),
        Some(Value::Array(_)) => "none".to_owned(),
        Some(other) => format!("`{other}`"),
        None => String::new(),
    };
    match name {
        "project" | "region" => "none; must be said".to_owned(),
        "account" => "whatever account the credentials belong to".to_owned(),
        "profile" => {
            "what the AWS SDK finds: the variables, else `AWS_PROFILE`, else `default`".to_owned()
        }
        "role-arn" => "none: calls are made with the credentials themselves".to_owned(),
        "external-id" => "none".to_owned(),
        "bucket" => "`<project>-tfstate-<env>-<account>-<region>`, and `-an` in the \
                     account-regional namespace"
            .to_owned(),
        "table" => "`<project>-tfstate-<env>-locks`".to_owned(),
        "kms-key" => "a new key".to_owned(),
        "alarm-topic" => "a new topic".to_owned(),
        "read-capacity" | "write-capacity" => format!("{value}, with `billing` `provisioned`"),
        "table-encryption" => format!("{value}; `aws-owned` with `encryption` `sse-s3`"),
        "delete-events" => format!("{value}; off without `alarms`"),
        _ => value,
    }
}
