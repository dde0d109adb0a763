//! The lock statements of a runner policy: added before a lock migration and removed after it.
//! Other statements are kept.

use crate::{
    backend::aws::{
        policies::{KEY_FOR_LOCKS, LOCK_ITEMS, RELEASE_LOCK_FILES},
        policy::{PolicyDocument, Statement},
    },
    settings::layer::LockMechanism,
};

/// Returns each statement, and whether this lock mechanism needs it.
fn statements(lock: LockMechanism) -> [(&'static str, bool); 3] {
    let (table, file) = (lock.uses_table(), lock.uses_lockfile());
    [
        (RELEASE_LOCK_FILES, file),
        (LOCK_ITEMS, table),
        (KEY_FOR_LOCKS, table),
    ]
}

/// Adds the statements for this lock mechanism from `whole`, a runner policy for both mechanisms.
pub(crate) fn granted(
    document: &PolicyDocument,
    whole: &PolicyDocument,
    lock: LockMechanism,
) -> PolicyDocument {
    let needed = statements(lock)
        .into_iter()
        .filter(|(_, needed)| *needed)
        .filter_map(|(name, _)| of(whole, name));
    needed.fold(document.clone(), |document, statement| {
        if document.says(statement) {
            document
        } else {
            document.with(statement.clone())
        }
    })
}

/// Removes the statements for the other lock mechanism.
pub(crate) fn revoked(document: &PolicyDocument, lock: LockMechanism) -> PolicyDocument {
    let others = statements(lock).into_iter().filter(|(_, needed)| !*needed);
    others.fold(document.clone(), |document, (name, _)| {
        document.without(name)
    })
}

fn of<'a>(document: &'a PolicyDocument, name: &str) -> Option<&'a Statement> {
    document
        .statements
        .iter()
        .find(|statement| statement.is_called(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(names: &[&str]) -> PolicyDocument {
        let statement = |name: &&str| {
            Statement::allow(name)
                .actions(&["s3:GetObject"])
                .on([format!("arn:{name}")])
        };
        PolicyDocument::new(names.iter().map(statement).collect())
    }

    fn names(document: &PolicyDocument) -> Vec<&str> {
        document
            .statements
            .iter()
            .filter_map(|statement| statement.sid.as_deref()?.strip_prefix("Tfbackend"))
            .collect()
    }

    #[test]
    fn lock_rights_come_first_and_go_last_and_all_else_stays() {
        use LockMechanism::{Both, Dynamodb, S3};
        let whole = document(&["ListStates", RELEASE_LOCK_FILES, LOCK_ITEMS, KEY_FOR_LOCKS]);
        let table = document(&["ListStates", LOCK_ITEMS, KEY_FOR_LOCKS, "Other"]);
        let both = granted(&table, &whole, Both);
        assert_eq!(
            names(&both),
            [
                "ListStates",
                LOCK_ITEMS,
                KEY_FOR_LOCKS,
                "Other",
                RELEASE_LOCK_FILES
            ]
        );
        assert_eq!(granted(&both, &whole, S3), both, "nothing is missing");
        assert_eq!(revoked(&both, Both), both);
        let files = revoked(&both, S3);
        assert_eq!(names(&files), ["ListStates", "Other", RELEASE_LOCK_FILES]);
        assert_eq!(revoked(&both, Dynamodb), table);
        assert!(granted(&files, &whole, Both).means(&both));
        // Another statement of the same name is replaced.
        let other = document(&["ListStates"]).with(
            Statement::allow(RELEASE_LOCK_FILES)
                .actions(&["s3:Get*"])
                .on(["arn".to_owned()]),
        );
        assert_eq!(
            granted(&other, &whole, S3).statements.last(),
            whole.statements.get(1)
        );
    }
}
