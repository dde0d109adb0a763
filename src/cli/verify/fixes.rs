//! Completes commands in fixes and in errors, so that they run in this folder and name the verified
//! backend.

use crate::checks::{CheckResult, Verdict};

/// Completes each command of tfbackend that stands in backticks in a fix. `complete` gets its name
/// (`state check`) and what stands behind it (` --repair`); where it returns `None`, the command
/// stays as it is.
pub(crate) fn name_backend(
    checked: &mut [CheckResult],
    complete: impl Fn(&str, &str) -> Option<String>,
) {
    for one in checked {
        if let Verdict::Fails {
            remediation: text, ..
        }
        | Verdict::Unreadable { error: text } = &mut one.verdict
        {
            *text = completed(text, &complete);
        }
    }
}

fn completed(fix: &str, complete: &impl Fn(&str, &str) -> Option<String>) -> String {
    let piece = |(at, piece): (usize, &str)| {
        let command = piece
            .strip_prefix("tfbackend ")
            .filter(|rest| at % 2 == 1 && !rest.contains("--env ") && !rest.contains("--bucket "));
        let whole = command.and_then(|rest| {
            let (name, more) = rest
                .find(" -")
                .map_or((rest, ""), |options| rest.split_at(options));
            complete(name, more)
        });
        whole.unwrap_or_else(|| piece.to_owned())
    };
    fix.split('`')
        .enumerate()
        .map(piece)
        .collect::<Vec<_>>()
        .join("`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{backend::aws::verify::usage::STALE_LOCK, checks::CheckedPlace};

    #[test]
    fn what_cannot_be_read_may_name_a_command_too() {
        let error =
            "its age is not known; release it: `tfbackend lock release --id NAME`".to_owned();
        let mut checked = [CheckResult::new(
            &STALE_LOCK,
            CheckedPlace::named("s3://b/a"),
            Verdict::Unreadable { error },
        )];
        name_backend(&mut checked, |name, more| {
            Some(format!("tfbackend {name} --env prod{more}"))
        });
        let error = "its age is not known; release it: `tfbackend lock release --env prod --id \
                     NAME`"
            .to_owned();
        assert_eq!(checked[0].verdict, Verdict::Unreadable { error });
    }

    #[test]
    fn commands_in_backticks_name_the_backend() {
        let complete = |name: &str, more: &str| {
            name.starts_with("state ")
                .then(|| format!("tfbackend {name} --env prod{more}"))
        };
        for (fix, expected) in [
            (
                "run `tfbackend state check --repair`: now",
                "run `tfbackend state check --env prod --repair`: now",
            ),
            (
                "`tfbackend state check`",
                "`tfbackend state check --env prod`",
            ),
            (
                "`tfbackend bootstrap --attach-to X`",
                "`tfbackend bootstrap --attach-to X`",
            ),
            (
                "`tfbackend state check --env dev`",
                "`tfbackend state check --env dev`",
            ),
            (
                "tfbackend state check`x`tfbackend state check",
                "tfbackend state check`x`tfbackend state check",
            ),
            ("`terraform init` and ` one", "`terraform init` and ` one"),
        ] {
            assert_eq!(completed(fix, &complete), expected);
        }
    }
}
