//! The header of each file: marks it as written by tfbackend, names its environment, and detects
//! manual changes.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::kind::BackendKind;

const MARK: &str = "# Written by tfbackend. Change its settings, not this file.";
const PROJECT: &str = "# project: ";
const ENV: &str = "# env: ";
const BACKEND: &str = "# backend: ";
/// In files of versions before 0.2, which knew `s3` alone.
const ACCOUNT: &str = "# account: ";
const EMULATED: &str = " (emulated)";
const SHA256: &str = "# sha256: ";

/// The environment that a file belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderOwner {
    pub project: String,
    pub env: String,
    pub kind: BackendKind,
    /// What tells backends of this kind apart: an account, or the folder of the states.
    pub place: String,
    /// True if the account is one of an emulator.
    pub emulated: bool,
}

impl HeaderOwner {
    /// Returns whether `self` may take the place of a file of `other` unasked.
    ///
    /// An account may take the place of an emulator's, and never the other way round: it would make
    /// the next `terraform apply` forget all that is real.
    pub fn succeeds(&self, other: &Self) -> bool {
        let Self {
            project,
            env,
            kind,
            place,
            emulated,
        } = other;
        self.project == *project
            && self.env == *env
            && self.kind == *kind
            && (*emulated || (self.place == *place && !self.emulated))
    }
}

impl fmt::Display for HeaderOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            project,
            env,
            kind,
            place,
            emulated,
        } = self;
        let emulated = if *emulated { EMULATED } else { "" };
        let label = match kind {
            BackendKind::S3 => "account ",
            BackendKind::Local => "",
        };
        write!(
            f,
            "environment {env} of project {project} in {label}{place}{emulated}"
        )
    }
}

/// The parsed header of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileHeader {
    /// None of ours.
    Foreign,
    /// Ours, and the rest is no longer what was written.
    Changed,
    /// Ours, byte for byte; `None` for a file that all environments share.
    Intact(Option<HeaderOwner>),
}

/// `body` with our header before it. Lines end in `\n`.
pub fn stamp(owner: Option<&HeaderOwner>, body: &str) -> String {
    let backend = owner.map(|owner| format!("{BACKEND}{}\n", backend_text(owner)));
    with_head(owner, backend.as_deref().unwrap_or_default(), body)
}

/// The same, as versions before 0.2 wrote it.
pub(super) fn stamp_of_before(owner: &HeaderOwner, body: &str) -> Option<String> {
    let emulated = if owner.emulated { EMULATED } else { "" };
    let account = format!("{ACCOUNT}{}{emulated}\n", owner.place);
    (owner.kind == BackendKind::S3).then(|| with_head(Some(owner), &account, body))
}

fn with_head(owner: Option<&HeaderOwner>, backend: &str, body: &str) -> String {
    let mut head = format!("{MARK}\n");
    if let Some(HeaderOwner { project, env, .. }) = owner {
        head.push_str(&format!("{PROJECT}{project}\n{ENV}{env}\n{backend}"));
    }
    let rest = format!("\n{body}");
    let sum = sum(&head, &rest);
    format!("{head}{SHA256}{sum}\n{rest}")
}

/// `s3, account 111122223333`.
fn backend_text(owner: &HeaderOwner) -> String {
    let emulated = if owner.emulated { EMULATED } else { "" };
    let (kind, label) = (owner.kind, place_label(owner.kind));
    format!("{kind}, {label} {}{emulated}", owner.place)
}

fn place_label(kind: BackendKind) -> &'static str {
    match kind {
        BackendKind::S3 => "account",
        BackendKind::Local => "folder",
    }
}

/// A file of ours that was edited below its header, with the sum of what is there now.
pub fn restamp(text: &str) -> String {
    match text
        .split_once(SHA256)
        .and_then(|(head, rest)| Some((head, rest.split_once('\n')?.1)))
    {
        Some((head, rest)) => format!("{head}{SHA256}{}\n{rest}", sum(head, rest)),
        None => text.to_owned(),
    }
}

/// Reads the header of a file whose lines end in `\n`.
pub fn read(text: &str) -> FileHeader {
    if text.lines().next() != Some(MARK) {
        return FileHeader::Foreign;
    }
    let Some((head, sum_and_rest)) = text.split_once(SHA256) else {
        return FileHeader::Changed;
    };
    let Some((stated, rest)) = sum_and_rest.split_once('\n') else {
        return FileHeader::Changed;
    };
    if stated != sum(head, rest) {
        return FileHeader::Changed;
    }
    FileHeader::Intact(owner(head))
}

/// Returns whether a file is ours, changed by hand since or not; however its lines end.
pub fn is_ours(text: &str) -> bool {
    read(&text.replace("\r\n", "\n")) != FileHeader::Foreign
}

/// The environment that a file of ours says it belongs to, also if a hand changed it since. Its
/// lines end in `\n`.
pub fn stated_owner(text: &str) -> Option<HeaderOwner> {
    if text.lines().next() != Some(MARK) {
        return None;
    }
    owner(text.split_once(SHA256).map_or(text, |(head, _)| head))
}

fn owner(head: &str) -> Option<HeaderOwner> {
    let line = |start| {
        head.lines()
            .find_map(|line| line.strip_prefix(start))
            .map(str::to_owned)
    };
    let (project, env) = (line(PROJECT)?, line(ENV)?);
    let (kind, place) = match line(BACKEND) {
        Some(backend) => {
            let (kind, place) = backend.split_once(", ")?;
            let kind: BackendKind = kind.parse().ok()?;
            let place = place.strip_prefix(place_label(kind))?.strip_prefix(' ')?;
            (kind, place.to_owned())
        }
        None => (BackendKind::S3, line(ACCOUNT)?),
    };
    let (place, emulated) = match place.strip_suffix(EMULATED) {
        Some(place) if kind == BackendKind::S3 => (place.to_owned(), true),
        Some(_) | None => (place, false),
    };
    Some(HeaderOwner {
        project,
        env,
        kind,
        place,
        emulated,
    })
}

/// Returns the checksum of all but the checksum line, so that the other header lines are included.
fn sum(head: &str, rest: &str) -> String {
    let digest = Sha256::new()
        .chain_update(head)
        .chain_update(rest)
        .finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn owner() -> HeaderOwner {
        HeaderOwner {
            project: "acme".into(),
            env: "prod".into(),
            kind: BackendKind::S3,
            place: "111122223333".into(),
            emulated: false,
        }
    }

    #[test]
    fn what_is_stamped_is_ours() {
        assert_eq!(read(&stamp(None, "x\n")), FileHeader::Intact(None));
        assert_eq!(
            read(&stamp(Some(&owner()), "x\n")),
            FileHeader::Intact(Some(owner()))
        );
        let emulated = HeaderOwner {
            emulated: true,
            ..owner()
        };
        assert_eq!(
            read(&stamp(Some(&emulated), "")),
            FileHeader::Intact(Some(emulated))
        );
    }

    #[test]
    fn what_is_not_stamped_is_not() {
        for text in [
            "",
            "\n",
            "terraform {}\n",
            "# Written by tfbackend\n",
            &format!("\n{}", stamp(None, "x")),
        ] {
            assert_eq!(read(text), FileHeader::Foreign, "{text:?}");
        }
        assert_eq!(read(MARK), FileHeader::Changed);
        assert_eq!(read(&format!("{MARK}\n{SHA256}")), FileHeader::Changed);
    }

    #[test]
    fn only_the_same_environment_succeeds_and_an_emulator_nothing_real() {
        let real = owner();
        let emulated = HeaderOwner {
            place: "000000000000".into(),
            emulated: true,
            ..owner()
        };
        assert!(real.succeeds(&real) && real.succeeds(&emulated) && emulated.succeeds(&emulated));
        assert!(!emulated.succeeds(&real));
        for other in [
            HeaderOwner {
                project: "b".into(),
                ..owner()
            },
            HeaderOwner {
                env: "dev".into(),
                ..owner()
            },
            HeaderOwner {
                place: "444455556666".into(),
                ..owner()
            },
            HeaderOwner {
                env: "dev".into(),
                ..emulated.clone()
            },
        ] {
            assert!(!real.succeeds(&other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_change_of_any_character_is_seen(at in 0_usize..400, to in any::<char>()) {
            let text = stamp(Some(&owner()), "bucket = \"a\"\nkey = \"b\"\n");
            let mut chars: Vec<char> = text.chars().collect();
            let at = at % chars.len();
            prop_assume!(chars[at] != to);
            chars[at] = to;
            let changed: String = chars.into_iter().collect();
            prop_assert!(!matches!(read(&changed), FileHeader::Intact(_)), "{changed}");
        }
    }
}
