//! Names that lead out of the folder, or out of the bucket's layout: none is taken.

use std::path::{Component, Path};

use proptest::prelude::*;
use tfbackend::{
    settings::names::{EnvName, MAX_OBJECT_KEY, ProjectName, StateKey, WorkspacePrefix},
    terraform::write::{conf_file_name, tf_file_name},
};

/// What leads somewhere else, looks like something else, or is cut short by a library of C.
const HOSTILE: [&str; 30] = [
    "",
    ".",
    "..",
    "../../x",
    "..\\x",
    "/abs",
    "//x",
    "C:\\x",
    "~/x",
    "a/",
    "/a",
    "a//b",
    "a/../b",
    "a/./b",
    "../",
    "a\0",
    "a\nb",
    "a\rb",
    "\u{1b}[2J",
    "a\u{202e}b",
    "a\u{200b}b",
    "\u{feff}a",
    "．．／x",
    "a\u{2044}b",
    "${x}",
    "%{x}",
    "a\"b",
    "$(id)",
    "`id`",
    "-rf",
];

#[test]
fn threat_10_no_name_leads_out_of_the_folder() {
    for text in HOSTILE {
        assert!(text.parse::<EnvName>().is_err(), "{text:?}");
        assert!(text.parse::<ProjectName>().is_err(), "{text:?}");
        assert!(
            is_plain(text) || conf_file_name(text, "prod").is_err(),
            "{text:?}"
        );
    }
    for text in [
        "../../x",
        "/abs",
        "a/",
        "a//b",
        "a/../b",
        "..",
        "",
        "a\0",
        "\u{1b}[2J",
        "a\u{202e}b",
    ] {
        assert!(text.parse::<StateKey>().is_err(), "{text:?}");
        assert!(
            text.is_empty() || text.parse::<WorkspacePrefix>().is_err(),
            "{text:?}"
        );
    }
    assert!("k".repeat(MAX_OBJECT_KEY + 1).parse::<StateKey>().is_err());
    for pattern in [
        "{env}/../backend.tf",
        "../{env}.tf",
        "/tmp/{env}.tf",
        "{env}\\x.tf",
    ] {
        assert!(tf_file_name(pattern, "prod").is_err(), "{pattern}");
    }
}

/// One file of the folder, whatever it is joined to.
fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
}

fn names() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => proptest::sample::select(&["/", "\\", "..", ".", "\0", "{env}", "~", ":", "\n", "\u{202e}", ".tf", "a", "-", "="][..]).prop_map(str::to_owned),
        2 => proptest::sample::select(&HOSTILE[..]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[a-z0-9.-]{1,8}",
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_is_taken_stays_in_the_folder(pattern in names(), env in names()) {
        let env = env.parse::<EnvName>().map_or("prod".to_owned(), |env| env.to_string());
        for name in [conf_file_name(&pattern, &env), tf_file_name(&pattern, &env)].into_iter().flatten() {
            prop_assert!(is_plain(&name), "{name:?}");
            let path = Path::new("/out").join(&name);
            prop_assert_eq!(path.parent(), Some(Path::new("/out")));
            prop_assert!(!name.contains(char::is_control) && !name.contains('\u{202e}'), "{name:?}");
        }
    }

    #[test]
    fn what_is_taken_is_one_object(key in names(), prefix in names()) {
        for path in [key.parse::<StateKey>().ok().map(|key| key.to_string()), prefix.parse::<WorkspacePrefix>().ok().map(|prefix| prefix.to_string())] {
            let Some(path) = path else { continue };
            prop_assert!(!path.is_empty() && path.len() <= MAX_OBJECT_KEY, "{path:?}");
            prop_assert!(path.split('/').all(|part| !part.is_empty() && part != ".." && part != "."), "{path:?}");
            prop_assert!(!path.contains(char::is_control), "{path:?}");
        }
    }
}
