//! Paths as Go joins them, and back.

use proptest::prelude::*;

use super::*;

fn layout(key: Option<&str>, prefix: &str) -> StateLayout {
    StateLayout {
        key: key.map(str::to_owned),
        workspace_prefix: prefix.to_owned(),
    }
}

#[test]
fn paths_are_joined_as_go_does() {
    // The examples of Go's `path` package, and those of its tests that can be told from others.
    for (path, cleaned) in [
        ("", "."),
        ("a/b", "a/b"),
        ("a//b", "a/b"),
        ("a/b/.", "a/b"),
        ("a/b/c/..", "a/b"),
        ("/../a/b", "/a/b"),
        ("/../a/b/../././/c", "/a/c"),
        ("..", ".."),
        ("../..", "../.."),
        ("../../abc", "../../abc"),
        ("abc/def/../../..", ".."),
        ("abc/../../././../def", "../../def"),
        ("abc//./../def", "def"),
        ("/", "/"),
        ("/abc/", "/abc"),
    ] {
        assert_eq!(clean(path), cleaned, "{path}");
    }
    assert_eq!(join(&["", ""]), "");
    assert_eq!(join(&["", "a"]), "a");
    assert_eq!(join(&["a", ""]), "a");
    assert_eq!(join(&["a/", "/b"]), "a/b");
}

#[test]
fn the_path_of_a_workspace() {
    assert_eq!(
        layout(None, "env:").path("app/terraform.tfstate", "default"),
        "app/terraform.tfstate"
    );
    assert_eq!(
        layout(None, "env:").path("./app//terraform.tfstate", "default"),
        "./app//terraform.tfstate",
        "as it was given"
    );
    assert_eq!(
        layout(None, "env:").path("./app//terraform.tfstate", "blue"),
        "env:/blue/app/terraform.tfstate"
    );
    assert_eq!(
        layout(None, "").path("app/terraform.tfstate", "blue"),
        "blue/app/terraform.tfstate"
    );
    assert_eq!(lock_file("env:/blue/a"), "env:/blue/a.tflock");
}

fn located(layout: &StateLayout, object: &str) -> String {
    let LocatedObject {
        kind,
        path,
        key,
        workspace,
    } = layout.locate(object);
    format!("{kind:?} {path} = {key} in {workspace}")
}

#[test]
fn and_back() {
    let any = layout(None, "env:");
    assert_eq!(
        located(&any, "env:/blue/app/a.tfstate"),
        "State env:/blue/app/a.tfstate = app/a.tfstate in blue"
    );
    assert_eq!(
        located(&any, "env:/blue/app/a.tfstate.tflock"),
        "LockFile env:/blue/app/a.tfstate = app/a.tfstate in blue"
    );
    assert_eq!(
        located(&any, "app/a.tfstate"),
        "State app/a.tfstate = app/a.tfstate in default"
    );
    assert_eq!(
        located(&any, "network"),
        "Unknown network = network in default"
    );
    assert_eq!(
        located(&layout(Some("network"), "env:"), "env:/blue/network"),
        "State env:/blue/network = network in blue"
    );
    assert_eq!(
        located(&layout(Some("network"), "env:"), "network"),
        "State network = network in default"
    );
    // Nothing of the kind has a workspace.
    for odd in [
        "env:",
        "env:/",
        "env://",
        "env:/blue",
        "env:/blue/",
        "env://a.tfstate",
        "env:/default/a",
        "env:/../a",
        "env:/./a",
        "",
        "/",
        ".tflock",
        "a/.tflock",
    ] {
        assert_eq!(
            located(&any, odd).split_once(' ').unwrap().1,
            format!("{odd} = {odd} in default")
        );
    }
    assert_eq!(
        any.locate("a/.tflock").kind,
        ObjectKind::Unknown,
        "no state has an empty name"
    );

    let bare = layout(Some("app/a"), "");
    assert_eq!(
        located(&bare, "blue/app/a"),
        "State blue/app/a = app/a in blue"
    );
    assert_eq!(
        located(&bare, "other/blue/app/a"),
        "Unknown other/blue/app/a = other/blue/app/a in default"
    );
    assert_eq!(
        located(&bare, "blueapp/a"),
        "Unknown blueapp/a = blueapp/a in default"
    );
    assert_eq!(
        located(&layout(None, ""), "blue/app/a.tfstate"),
        "State blue/app/a.tfstate = blue/app/a.tfstate in default",
        "no way to tell"
    );

    let deep = layout(None, "stages/all");
    assert_eq!(
        located(&deep, "stages/all/blue/a.tfstate"),
        "State stages/all/blue/a.tfstate = a.tfstate in blue"
    );
    assert_eq!(
        located(&deep, "stages/a.tfstate"),
        "State stages/a.tfstate = stages/a.tfstate in default"
    );
    // A key that looks like a workspace's state.
    let odd = layout(Some("env:/blue/a"), "env:");
    assert_eq!(
        located(&odd, "env:/blue/a"),
        "State env:/blue/a = env:/blue/a in default"
    );
    // One that Go would clean is still known again.
    assert_eq!(
        located(&layout(Some("./a//b"), "env:"), "env:/blue/a/b"),
        "State env:/blue/a/b = ./a//b in blue"
    );
}

proptest! {
    #[test]
    fn a_workspace_is_found_again(
        key in "[a-z.${\"]{1,4}(/[a-z.]{1,4}){0,2}",
        workspace in "[a-zA-Z0-9_.-]{1,6}",
        prefix in "([a-z:]{1,4}(/[a-z]{1,3}){0,1})?",
    ) {
        prop_assume!(!["default", ".", ".."].contains(&workspace.as_str()) && !key.split('/').any(|part| part == "..") && join(&[&key]) != ".");
        let layout = layout(Some(&key), &prefix);
        let path = layout.path(&key, &workspace);
        prop_assume!(path != key);
        let found = layout.locate(&lock_file(&path));
        prop_assert_eq!(found, LocatedObject { kind: ObjectKind::LockFile, path, key, workspace });
    }

    #[test]
    fn any_name_is_located(object in ".{0,30}", prefix in ".{0,5}", key in proptest::option::of(".{0,5}")) {
        let found = layout(key.as_deref(), &prefix).locate(&object);
        prop_assert!(object.starts_with(&found.path));
    }
}
