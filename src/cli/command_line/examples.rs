//! The examples under each help page.

use crate::kind::BackendKind;

/// Returns the examples of a command. `path` is its name with those of the commands above.
pub(super) fn of(path: &str, kind: BackendKind) -> Option<String> {
    let lines = match kind {
        BackendKind::Local => local(path).or_else(|| any(path)),
        BackendKind::S3 => any(path),
    }?;
    let title = match lines {
        [_] => "Example:",
        _ => "Examples:",
    };
    Some(format!("{title}\n  {}", lines.join("\n  ")))
}

/// Where the examples of kind s3 have options that kind local does not have.
fn local(path: &str) -> Option<&'static [&'static str]> {
    Some(match path {
        "" => &[
            "tfbackend bootstrap --backend local --env dev --project acme",
            "tfbackend verify --env dev",
        ],
        "bootstrap" => &["tfbackend bootstrap --backend local --env dev --project acme"],
        "plan" => &["tfbackend plan --backend local --env dev --project acme"],
        "config init" => &["tfbackend config init --backend local --env dev --project acme"],
        "verify" => &["tfbackend verify --env dev"],
        "lock list" => &["tfbackend lock list --path terraform.tfstate"],
        "lock" => &[
            "tfbackend lock list --env dev",
            "tfbackend lock show --env dev",
        ],
        "state" => &[
            "tfbackend state list --env dev",
            "tfbackend state show --env dev",
        ],
        "state list" => &["tfbackend state list --path terraform.tfstate"],
        "sandbox" => &["tfbackend sandbox up", "tfbackend sandbox status"],
        "self-check" => &["tfbackend self-check --backend local --env dev"],
        _ => return None,
    })
}

fn any(path: &str) -> Option<&'static [&'static str]> {
    Some(match path {
        "" => &[
            "tfbackend bootstrap --env prod --project acme --region eu-west-1",
            "terraform init -backend-config=backend.conf",
            "tfbackend verify --env prod",
        ],
        "bootstrap" => &[
            "tfbackend bootstrap --env prod --project acme --region eu-west-1",
            "tfbackend bootstrap --env prod --non-interactive --auto-approve",
            "tfbackend bootstrap prod.plan",
        ],
        "plan" => &[
            "tfbackend plan --env prod --detailed-exitcode",
            "tfbackend plan --env prod --out prod.plan",
        ],
        "verify" => &[
            "tfbackend verify --env prod --min-severity medium",
            "tfbackend verify --all --output junit",
            "tfbackend verify --bucket acme-states --region eu-west-1",
        ],
        "render" => &[
            "tfbackend render --env prod --dir infra",
            "tfbackend render --env prod --check",
        ],
        "teardown" => &[
            "tfbackend teardown --env prod --plan",
            "tfbackend teardown --env prod --unprotect --purge-states",
        ],
        "lock" => &[
            "tfbackend lock list --env prod",
            "tfbackend lock migrate --env prod --to both",
        ],
        "lock list" => &[
            "tfbackend lock list --exit-code",
            "tfbackend lock list --bucket acme-states --table acme-locks --region eu-west-1",
        ],
        "lock show" => &[
            "tfbackend lock show --env prod",
            "tfbackend lock show network/terraform.tfstate --env prod",
        ],
        "lock release" => &[
            "tfbackend lock release 5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10 --env prod",
            "tfbackend lock release --older-than 2h --env prod",
        ],
        "lock migrate" => &[
            "tfbackend lock migrate --to both --env prod",
            "tfbackend lock migrate --check --env prod",
        ],
        "state" => &[
            "tfbackend state list --env prod",
            "tfbackend state restore --version-id previous --env prod",
        ],
        "state list" => &[
            "tfbackend state list --env prod",
            "tfbackend state list --bucket acme-states --region eu-west-1",
        ],
        "state versions" => &["tfbackend state versions terraform.tfstate --env prod --limit 10"],
        "state show" => &[
            "tfbackend state show --env prod",
            "tfbackend state show terraform.tfstate --version-id previous --env prod",
        ],
        "state diff" => &[
            "tfbackend state diff previous current --env prod",
            "tfbackend state diff serial=7 file=terraform.tfstate --env prod",
        ],
        "state pull" => {
            &["tfbackend state pull --version-id serial=7 --out old.tfstate --env prod"]
        }
        "state backup" => &[
            "tfbackend state backup --env prod",
            "tfbackend state backup --all-versions --backup-dir /var/backups/states --env prod",
        ],
        "state restore" => &[
            "tfbackend state restore --version-id previous --env prod",
            "tfbackend state restore terraform.tfstate --before 2026-11-21 --env prod",
        ],
        "state check" => &[
            "tfbackend state check --env prod",
            "tfbackend state check --repair --env prod",
        ],
        "migrate" => &[
            "tfbackend migrate --from . --to prod --plan",
            "tfbackend migrate --from . --to prod",
            "terraform init -reconfigure",
        ],
        "config" => &[
            "tfbackend config init --env prod",
            "tfbackend config show --env prod",
        ],
        "config show" => &["tfbackend config show --env prod"],
        "config init" => &["tfbackend config init --env prod --project acme --region eu-west-1"],
        "sandbox" => &[
            "tfbackend sandbox up",
            "tfbackend bootstrap --env dev --project acme --region eu-west-1 --sandbox",
            "tfbackend sandbox run -- terraform init -backend-config=backend.conf",
        ],
        "sandbox up" => &["tfbackend sandbox up --port 5000"],
        "sandbox status" => &["eval \"$(tfbackend sandbox status)\""],
        "sandbox down" => &["tfbackend sandbox down --purge"],
        "sandbox run" => &["tfbackend sandbox run -- aws s3 ls"],
        "self-check" => &[
            "tfbackend self-check",
            "tfbackend self-check --env prod --output json",
        ],
        "version" => &["tfbackend version --output json"],
        "completions" => &["tfbackend completions bash > /etc/bash_completion.d/tfbackend"],
        "man" => &["tfbackend man /usr/local/share/man/man1"],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command_line;
    use std::ffi::OsString;

    fn paths(command: &clap::Command, path: &str, all: &mut Vec<String>) {
        all.push(path.to_owned());
        for sub in command.get_subcommands() {
            paths(sub, format!("{path} {}", sub.get_name()).trim(), all);
        }
    }

    #[test]
    fn each_example_is_a_command_line_of_its_kind() {
        for kind in BackendKind::ALL {
            let mut all = vec![];
            paths(&command_line::command(*kind), "", &mut all);
            for line in all
                .iter()
                .filter_map(|path| of(path, *kind))
                .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
                .filter(|line| line.starts_with("  tfbackend "))
            {
                let words: Vec<OsString> = line
                    .split_whitespace()
                    .take_while(|word| *word != ">")
                    .map(OsString::from)
                    .collect();
                if let Err(error) = command_line::parse_for(*kind, &words) {
                    panic!("{line}: {error}");
                }
            }
        }
    }
}
