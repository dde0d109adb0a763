//! The arguments that choose a lock, in a JSON file: what is to be changed is said, and not done.

use super::{BUCKET, FILE, LockArguments, LockEdit, TABLE, WantedArguments, is_ours};
use crate::terraform::{
    read::{ArgumentValue, SourcedArgument},
    write::hcl,
};

/// Returns whether the arguments of one backend are as they should be.
pub(crate) fn judge(arguments: &[SourcedArgument], wanted: &WantedArguments<'_>) -> LockEdit {
    if let Some(name) = [BUCKET, TABLE, FILE]
        .into_iter()
        .find(|name| matches!(value(arguments, name), Some(ArgumentValue::NotLiteral)))
    {
        return LockEdit::ByHand(format!(
            "it is JSON, and `{name}` is not a literal value there"
        ));
    }
    let LockArguments {
        bucket,
        table,
        use_file,
    } = LockArguments::of(arguments);
    match is_ours(
        bucket.as_deref(),
        table.as_deref(),
        value(arguments, FILE),
        wanted,
    ) {
        Err(why) => return LockEdit::ByHand(format!("it is JSON, and {why}")),
        Ok(false) => return LockEdit::NotOurs,
        Ok(true) => {}
    }
    // What leaves the bucket to another file may leave the locks to it as well.
    let is_whole = bucket.is_some();
    let mut changes = vec![];
    match (use_file, wanted.use_file) {
        (Some(false), true) => changes.push(format!("set `{FILE}` to true")),
        (None, true) if is_whole => changes.push(format!("set `{FILE}` to true")),
        (Some(true), false) => changes.push(format!("remove `{FILE}`")),
        (Some(_) | None, _) => {}
    }
    match (table, wanted.use_table, wanted.table) {
        (Some(_), false, _) => changes.push(format!("remove `{TABLE}`")),
        (None, true, Some(name)) if is_whole => {
            changes.push(format!("set `{TABLE}` to {}", hcl::quoted(name)))
        }
        (Some(_) | None, _, _) => {}
    }
    if changes.is_empty() {
        LockEdit::Current
    } else {
        LockEdit::ByHand(format!("it is JSON: {}", changes.join(", and ")))
    }
}

/// The last of a name counts, as for Terraform.
fn value<'a>(arguments: &'a [SourcedArgument], name: &str) -> Option<&'a ArgumentValue> {
    arguments
        .iter()
        .rfind(|argument| argument.name == name)
        .map(|argument| &argument.value)
        .filter(|value| **value != ArgumentValue::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::read::PartialFile;

    fn judged(json: &str, use_table: bool, use_file: bool) -> LockEdit {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("prod.tfbackend.json");
        std::fs::write(&path, json).expect("written");
        let arguments = PartialFile::read(&path).arguments.expect("arguments");
        judge(
            &arguments,
            &WantedArguments {
                bucket: "states",
                table: Some("locks"),
                use_table,
                use_file,
            },
        )
    }

    #[test]
    fn what_is_to_be_changed_is_said() {
        let by_hand = |why: &str| LockEdit::ByHand(why.to_owned());
        let arn = r#"{"dynamodb_table": "arn:aws:dynamodb:eu-west-1:111122223333:table/locks"}"#;
        for (json, use_table, use_file, expected) in [
            // Without a bucket, and beside a block that has it.
            (
                r#"{"dynamodb_table": "locks"}"#,
                false,
                true,
                by_hand("it is JSON: remove `dynamodb_table`"),
            ),
            (
                arn,
                false,
                true,
                by_hand("it is JSON: remove `dynamodb_table`"),
            ),
            (
                r#"{"dynamodb_table": "locks"}"#,
                true,
                true,
                LockEdit::Current,
            ),
            (
                r#"{"dynamodb_table": "others"}"#,
                false,
                true,
                LockEdit::NotOurs,
            ),
            (
                r#"{"dynamodb_table": null, "key": "a"}"#,
                false,
                true,
                LockEdit::NotOurs,
            ),
            (r#"{"use_lockfile": true}"#, false, true, LockEdit::NotOurs),
            (
                r#"{"use_lockfile": true}"#,
                true,
                false,
                by_hand("it is JSON, and `use_lockfile` is set there without a bucket"),
            ),
            // With a bucket.
            (
                r#"{"bucket": "others", "dynamodb_table": "locks"}"#,
                false,
                true,
                LockEdit::NotOurs,
            ),
            (
                r#"{"bucket": "states", "use_lockfile": true}"#,
                false,
                true,
                LockEdit::Current,
            ),
            (
                r#"{"bucket": "states"}"#,
                false,
                true,
                by_hand("it is JSON: set `use_lockfile` to true"),
            ),
            (
                r#"{"bucket": "states", "use_lockfile": "false", "dynamodb_table": "locks"}"#,
                false,
                true,
                by_hand("it is JSON: set `use_lockfile` to true, and remove `dynamodb_table`"),
            ),
            (
                r#"{"bucket": "states", "use_lockfile": true}"#,
                true,
                false,
                by_hand("it is JSON: remove `use_lockfile`, and set `dynamodb_table` to \"locks\""),
            ),
            (
                r#"{"bucket": "states", "dynamodb_table": "others"}"#,
                false,
                true,
                by_hand("it is JSON, and `dynamodb_table` names \"others\" there, not \"locks\""),
            ),
        ] {
            assert_eq!(
                judged(json, use_table, use_file),
                expected,
                "{json} {use_table} {use_file}"
            );
        }
    }
}
