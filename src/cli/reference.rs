//! Generates the reference of all settings from the options that the command line declares.

use serde_json::Value;

use crate::{
    kind::BackendKind,
    settings::{
        defaults::defaults,
        options::{OptionInfo, SettingOptions, ValueType, flag_of, said},
    },
};

/// Returns the contents of `docs/settings.md`.
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
# S3Settings

Each setting of an environment has one name. You can set it with the flag `--name` (`--dir` for `out`), the variable \
                    `TFBACKEND_NAME`, or the key
`name` in `tfbackend.toml`. `tfbackend bootstrap` asks for some settings. If several sources set a \
                    value, the first source in this
list takes precedence:

1. the command line;
2. the variable (separate list items with commas; an empty variable is ignored);
3. `[env.NAME]` in `tfbackend.toml`;
4. the top level of `tfbackend.toml`, for every environment;
5. the answer to a question, which is asked only if 1 to 4 do not set the value;
6. for the region, `AWS_REGION`, then `AWS_DEFAULT_REGION`, then the region of the AWS profile;
7. the value of the existing environment (shown as \"existing value\");
8. the default.

Each backend kind has its own settings. A setting of another kind is an error on the command line \
                    and in the table of an
environment; at the top level of the file, it applies to the environments of its kind.

Existing values (7) are read from the resources of the environment and from the partial \
                    configuration that tfbackend wrote to the
folder. You do not need a settings file to run tfbackend again from another machine. The existing \
                    state key is read only from the
partial configuration. A missing resource is created, unless another resource shows that it was \
                    omitted on purpose: for example, a
key policy without a statement for a trail. If an existing value protects less than the default, \
                    `verify` reports a finding until
you set the value. A change that would hide states from runs, or runs from each other (`key`, \
                    `workspace-key-prefix`, `bucket`,
`namespace`, `table`, `lock`), is refused for an existing environment; the message names the \
                    command that makes the change safely.

A list replaces a list from a weaker source; lists are not merged. `[]` in the file means an empty \
                    list. If two settings exclude
each other, the one from the stronger source is used; if both come from the same source, that is \
                    an error. A setting without
effect, such as capacity without provisioned billing, is also an error, unless it comes from a \
                    weaker source than the setting that
makes it ineffective.

Two defaults depend on the folder that the files are written to. The default of `key` is derived \
                    from the path of the folder in its
Git repository, such as `network/terraform.tfstate`. The default of `conf-file` is \
                    `{env}.s3.tfbackend` if `tfbackend.toml` has
several environments. If the folder already has a partial configuration of tfbackend for the \
                    environment, its name and its key are
kept ([more](how-it-works.md#folders-and-states)).

The settings file is the file that `--config` or `TFBACKEND_CONFIG` names. Otherwise, tfbackend \
                    searches for `tfbackend.toml` in the
working directory and its parent folders, up to the root of the Git repository. Unknown keys and \
                    invalid values are errors, with
line and column.

A settings file that was found by the search may be part of a checkout. Therefore it is restricted:

- it must be owned by you or by root; a file of another user is refused unless `--config` names it;
- `auto-approve`, `non-interactive`, `adopt` and `overwrite` cannot be set in it;
- `out` is relative to the working directory, and must resolve to a folder below the folder of the \
                    file, after following all
  symbolic links;
- `conf-file` and `tf-file` must not begin with `.`, and must end in `.tf`, `.tofu`, `.tfbackend`, \
                    `.conf`, `.config`, `.hcl` or
  `.tfvars`;
- its size is limited to 256 KiB.

Each environment can have its own credentials: `profile`, and `role-arn` (with `external-id`), \
                    which is assumed with the credentials
of the profile. If a settings file sets them, each command that calls AWS prints a note. The role \
                    needs the permissions in
[permissions](permissions.md). `--profile` on the command line replaces only the profile.

With `conf-credentials`, the profile and the role from the settings file are also written to the \
                    partial configuration (`profile` and
`assume_role`, which need Terraform or OpenTofu 1.6), so that Terraform uses them as well. A \
                    profile or role from a flag or a
variable applies to this run, and to Terraform only if the same source also sets \
                    `conf-credentials`. Values that are already in the
partial configuration are kept.

A named profile takes precedence over credentials in variables. `none` disables the value of a \
                    weaker source: a pipeline that already
has its role runs with `--profile none --role-arn none`. The sandbox has its own credentials and \
                    ignores these settings.

```toml
format = 1            # the format of this file (optional)
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

Select the environment with `--env` or `TFBACKEND_ENV`. If the file has exactly one environment, \
                    that one is the default. If the
file has environments, but not the selected one, pass `--new-env` to create it. A name has 1 to 31 \
                    lowercase letters, digits and
single hyphens.
";

fn section(option: &OptionInfo, default: Option<&Value>) -> String {
    let OptionInfo {
        name,
        help,
        value_name,
        ..
    } = option;
    let flag = flag_of(name);
    let flag = match option.shape {
        ValueType::Flag => format!("--{flag}[=true|false]"),
        ValueType::List => format!("--{flag} {value_name}` (may be repeated)`"),
        ValueType::Number | ValueType::Text => format!("--{flag} {value_name}"),
    };
    let flag = format!("`{flag}`").replace(")``", ")");
    let example = match option.shape {
        ValueType::Flag => "true or false",
        ValueType::Number => "a number",
        ValueType::Text => "a string",
        ValueType::List => "a list of strings",
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
    let kinds = BackendKind::with_option(name);
    if kinds.len() < BackendKind::ALL.len() {
        let kinds: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
        text.push_str(&format!("- Backend kind: {}\n", kinds.join(", ")));
    }
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

pub fn default_text(name: &str, default: Option<&Value>) -> String {
    let value = match default {
        Some(Value::String(text)) => format!("`{text}`"),
        Some(Value::Array(_)) => "none".to_owned(),
        Some(other) => format!("`{other}`"),
        None => String::new(),
    };
    match name {
        "project" | "region" => "none (required)".to_owned(),
        "account" => "the account of the credentials".to_owned(),
        "profile" => "as in the AWS SDK: credentials in variables, then `AWS_PROFILE`, then \
                      `default`"
            .to_owned(),
        "role-arn" => "none: calls use the credentials directly".to_owned(),
        "external-id" => "none".to_owned(),
        "state-dir" => {
            "`tfbackend/<project>/<env>` in `$XDG_DATA_HOME`, else in `~/.local/share`".to_owned()
        }
        "bucket" => "`<project>-tfstate-<env>-<account>-<region>`, with the suffix `-an` in the \
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
