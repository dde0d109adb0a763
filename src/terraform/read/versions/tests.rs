//! Versions as Terraform and version managers write them.

use std::fs;

use super::*;

const fn is_bad(version: ReleaseNumber) -> bool {
    matches!(version, (1, 15, 0))
}

#[test]
fn a_constraint_may_leave_versions_of_one_kind_only() {
    let only = |text: &str| {
        constraint(text).is_some_and(|all| AllowedVersions::Constraint(all).are_all(is_bad))
    };
    for text in [
        "1.15.0",
        "= 1.15.0",
        "=1.15",
        ">= 1.15.0, < 1.15.1",
        "~> 1.15.0, <= 1.15.0",
        "v1.15.0",
    ] {
        assert!(only(text), "{text}");
    }
    for text in [
        "~> 1.15.0",
        "~> 1.15",
        ">= 1.15.0",
        "!= 1.15.0",
        "1.15.1",
        "< 1.15.0",
        "",
        "latest",
        "1.15.0-rc1",
        ">> 1.15.0",
        "1.2.3.4",
        "> 2, < 1",
    ] {
        assert!(!only(text), "{text}");
    }
    let before = |text: &str| {
        AllowedVersions::Constraint(constraint(text).expect("a constraint"))
            .are_all(|version| version < (1, 10, 2))
    };
    assert!(
        before("~> 1.9.0")
            && before("< 1.10.2")
            && before("> 1.10.0, < 1.10.2")
            && !before("<= 1.10.2")
            && !before("~> 1.10")
    );
    assert!(
        AllowedVersions::One((1, 15, 0)).are_all(is_bad)
            && !AllowedVersions::One((1, 15, 1)).are_all(is_bad)
    );
}

#[test]
fn every_file_that_names_a_version_is_read() {
    let root = tempfile::tempdir().expect("a folder");
    let dir = root.path().join("stacks/app");
    fs::create_dir_all(&dir).expect("made");
    fs::create_dir(root.path().join(".git")).expect("made");
    for (name, text) in [
        (
            "stacks/app/main.tf",
            "terraform {\n  # required_version = \"1.0.0\"\n  required_version = \"~> 1.14\" # \
             why\n}\n",
        ),
        (
            "stacks/app/more.tf.json",
            "{\"terraform\": {\n  \"required_version\": \"= 1.15.0\"\n}}\n",
        ),
        (
            "stacks/app/last.tf",
            "terraform { required_version = \"1.2.3\" }\nlocals {\n  required_version = \
             \"1.2.4\"\n}\n",
        ),
        (
            "stacks/app/text.tf",
            "locals {\n  x = <<EOT\n  required_version = \"1.2.5\"\nEOT\n}\n",
        ),
        (
            "stacks/app/wrapped.tf",
            "terraform /* { */ {\n  required_version = (\n    \"1.2.6\"\n  )\n  required_version \
             = var.x\n}\n",
        ),
        ("stacks/.terraform-version", "# ours\nv1.15.0\n"),
        ("stacks/app/.opentofu-version", "latest:^1.9\n"),
        (
            ".tool-versions",
            "nodejs 22.1.0\nterraform 1.11.4 1.10.0\nopentofu 1.10.1 # old\n",
        ),
    ] {
        fs::write(root.path().join(name), text).expect("written");
    }
    let read = || {
        let (names, within) = (
            crate::terraform::read::names(&dir).expect("listed"),
            LinkBoundary::of(&dir),
        );
        read(
            &dir,
            &within,
            &FolderConfiguration::read(&dir, &within, &names, TerraformEngine::Terraform),
            TerraformEngine::Terraform,
        )
    };
    let said: Vec<String> = read()
        .into_iter()
        .map(|one| one.expect("read"))
        .map(|one| {
            format!("{:?} {:?} {} {}", one.engine, one.allowed, one.text, one.at)
                .replace(&format!("{}/", root.path().display()), "")
        })
        .collect();
    assert_eq!(
        said,
        [
            "Terraform Constraint([(Equal, (1, 2, 3))]) 1.2.3 stacks/app/last.tf:1",
            "Terraform Constraint([(AnyMinor, (1, 14, 0))]) ~> 1.14 stacks/app/main.tf:3",
            "Terraform Constraint([(Equal, (1, 15, 0))]) = 1.15.0 stacks/app/more.tf.json",
            "Terraform Constraint([(Equal, (1, 2, 6))]) 1.2.6 stacks/app/wrapped.tf:2",
            "Terraform One((1, 15, 0)) v1.15.0 stacks/.terraform-version:2",
            "Terraform One((1, 11, 4)) 1.11.4 .tool-versions:2",
            "OpenTofu One((1, 10, 1)) 1.10.1 .tool-versions:3",
        ]
    );
    fs::write(dir.join(".terraform-version"), b"\xff").expect("written");
    let unreadable: Vec<UnreadableFile> = read().into_iter().filter_map(Result::err).collect();
    assert_eq!(
        unreadable,
        [UnreadableFile::new(
            dir.join(".terraform-version"),
            "is not valid UTF-8"
        )]
    );
    // Outside of a repository, what is above the folder is not its own.
    fs::remove_dir(root.path().join(".git")).expect("removed");
    fs::remove_file(dir.join(".terraform-version")).expect("removed");
    assert_eq!(read().len(), 4);
    // One in an override file takes the place of all.
    fs::write(
        dir.join("override.tf"),
        "terraform {\n  required_version = \"1.3.0\"\n}\n",
    )
    .expect("written");
    let texts: Vec<String> = read().into_iter().flatten().map(|one| one.text).collect();
    assert_eq!(texts, ["1.3.0"]);
}
