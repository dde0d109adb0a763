//! A partial configuration that tfbackend wrote, and no hand changed since: as it would be written
//! with other locks.

use super::{FILE, TABLE, WantedArguments};
use crate::terraform::write::{
    hcl,
    header::{self, FileHeader},
};

/// `None` if it is none, or not one in which each argument has its line.
pub(super) fn rewritten(text: &str, wanted: &WantedArguments<'_>) -> Option<String> {
    // A checkout may have turned the ends of lines.
    let is_turned = text.contains('\r');
    let plain = text.replace("\r\n", "\n");
    if (is_turned && plain.replace('\n', "\r\n") != text)
        || !matches!(header::read(&plain), FileHeader::Intact(Some(_)))
    {
        return None;
    }
    let named = plain
        .lines()
        .find(|line| name_of(line) == Some(TABLE))
        .map(str::to_owned);
    let table = match (wanted.use_table, named) {
        (false, _) => None,
        (true, Some(line)) => Some(line),
        (true, None) => Some(format!("{TABLE} = {}", hcl::quoted(wanted.table?))),
    };
    let mut locks = Some(
        table
            .into_iter()
            .chain(wanted.use_file.then(|| format!("{FILE} = true"))),
    );
    let mut lines: Vec<String> = vec![];
    for line in plain.lines() {
        if matches!(name_of(line), Some(TABLE | FILE)) {
            lines.extend(locks.take().into_iter().flatten());
        } else {
            lines.push(not_aligned(line));
        }
    }
    if locks.is_some() {
        return None;
    }
    endpoint(&mut lines, wanted.use_table);
    let rewritten = header::restamp(&hcl::align(&(lines.join("\n") + "\n")));
    Some(if is_turned {
        rewritten.replace('\n', "\r\n")
    } else {
        rewritten
    })
}

/// With one space before its `=`, from which [`hcl::align`] starts.
fn not_aligned(line: &str) -> String {
    match line.split_once(" = ") {
        Some((name, value)) if !name.trim().is_empty() && !name.trim().contains(' ') => {
            format!("{} = {value}", name.trim_end())
        }
        _ => line.to_owned(),
    }
}

/// The argument that stands at the beginning of a line.
fn name_of(line: &str) -> Option<&str> {
    line.split_once('=').map(|(name, _)| name.trim_end())
}

/// Edits the DynamoDB endpoint of an emulator.
fn endpoint(lines: &mut Vec<String>, use_table: bool) {
    const OF_TABLE: &str = "  dynamodb";
    let Some(start) = lines.iter().position(|line| line == "endpoints = {") else {
        return;
    };
    let end = lines[start..]
        .iter()
        .position(|line| line == "}")
        .map_or(lines.len(), |length| start + length);
    let known = lines[start..end]
        .iter()
        .position(|line| name_of(line) == Some(OF_TABLE))
        .map(|at| start + at);
    match (known, use_table) {
        (Some(at), false) => {
            lines.remove(at);
        }
        (None, true) => {
            let address = lines[start + 1..end]
                .iter()
                .find_map(|line| Some(line.split_once(" = ")?.1.to_owned()));
            if let Some(address) = address {
                lines.insert(start + 1, format!("{OF_TABLE} = {address}"));
            }
        }
        (Some(_), true) | (None, false) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::write::{
        files,
        s3::{EmulatorEndpoint, S3BackendConfig},
    };

    fn config(table: bool, file: bool, emulated: bool) -> S3BackendConfig {
        S3BackendConfig {
            project: "acme".to_owned(),
            env: "prod".to_owned(),
            bucket: "states".to_owned(),
            key: "terraform.tfstate".to_owned(),
            region: "eu-west-1".to_owned(),
            account: "111122223333".to_owned(),
            skips_account: false,
            kms_key_arn: None,
            dynamodb_table: table.then(|| "locks".to_owned()),
            use_lockfile: file,
            workspace_key_prefix: "env:".to_owned(),
            emulator: emulated.then(|| EmulatorEndpoint {
                endpoint: "http://127.0.0.1:14566".to_owned(),
                ca_file: None,
            }),
            profile: None,
            role: None,
        }
    }

    fn conf(table: bool, file: bool, emulated: bool) -> String {
        files(&config(table, file, emulated), "backend.tf", "backend.conf")
            .expect("files")
            .remove(1)
            .text
    }

    /// From each kind of lock to each other one, it is what `render` writes.
    #[test]
    fn it_is_what_would_be_written() {
        let all = [(true, false), (true, true), (false, true)];
        for (from, to) in all.into_iter().flat_map(|from| all.map(|to| (from, to))) {
            for emulated in [false, true] {
                let (before, after) = (conf(from.0, from.1, emulated), conf(to.0, to.1, emulated));
                let wanted = WantedArguments {
                    bucket: "states",
                    table: Some("locks"),
                    use_table: to.0,
                    use_file: to.1,
                };
                assert_eq!(
                    rewritten(&before, &wanted).as_deref(),
                    Some(&*after),
                    "{from:?} {to:?} {emulated}"
                );
                let turned = |text: &str| text.replace('\n', "\r\n");
                assert_eq!(
                    rewritten(&turned(&before), &wanted),
                    Some(turned(&after)),
                    "{from:?} {to:?} {emulated}"
                );
            }
        }
    }

    #[test]
    fn what_a_hand_changed_is_not_ours_to_write_again() {
        let wanted = WantedArguments {
            bucket: "states",
            table: Some("locks"),
            use_table: true,
            use_file: true,
        };
        let ours = conf(true, false, false);
        let mixed = ours.replacen('\n', "\r\n", 1);
        for text in [
            &*format!("{ours}# mine\n"),
            "dynamodb_table = \"locks\"\n",
            "",
            &mixed,
        ] {
            assert_eq!(rewritten(text, &wanted), None, "{text}");
        }
    }
}
