//! Two environments of one settings file in one folder, as the README shows them, and the real
//! Terraform on both.

use std::fs;

use super::{Folders, SMALL};
use crate::support::page;

/// The settings file of the README, word for word.
fn settings_of_readme() -> String {
    let readme = page::read("README.md");
    let toml = readme
        .split("```toml\n")
        .nth(1)
        .expect("a settings file")
        .split("```")
        .next()
        .expect("its end")
        .to_owned();
    assert!(
        toml.contains("[env.prod]") && toml.contains("[env.dev]"),
        "{toml}"
    );
    toml
}

#[tokio::test]
async fn settings_of_the_readme_work_in_one_folder() {
    let world = Folders::new().await;
    world.put("repository/tfbackend.toml", &settings_of_readme());
    for env in ["prod", "dev"] {
        let text = world.ok("repository", &format!("bootstrap --env {env} -y"));
        assert!(
            text.contains(&format!(
                "terraform init -backend-config={env}.s3.tfbackend"
            )),
            "{text}"
        );
        assert!(
            text.contains(&format!("repository/{env}.s3.tfbackend (written)")),
            "{text}"
        );
    }
    assert!(!world.exists("repository/backend.conf"));
    world.put(
        "repository/main.tf",
        "resource \"terraform_data\" \"one\" {}\n",
    );
    for (env, reconfigure) in [
        ("prod", &[][..]),
        ("dev", &["-reconfigure"]),
        ("prod", &["-reconfigure"]),
    ] {
        let conf = format!("-backend-config={env}.s3.tfbackend");
        world.terraform("repository", &[&["init", &conf][..], reconfigure].concat());
        world.terraform("repository", &["apply", "-auto-approve"]);
    }
    for env in ["prod", "dev"] {
        world.ok("repository", &format!("render --env {env} --check"));
        let states = world.ok("repository", &format!("state list --env {env}"));
        assert!(states.contains("terraform.tfstate"), "{states}");
        let text = world.ok("repository", &format!("bootstrap --env {env} -y"));
        assert!(text.contains("nothing to do"), "{text}");
    }
}

#[tokio::test]
async fn partial_configuration_that_is_there_keeps_its_name() {
    let world = Folders::new().await;
    let env = |name: &str| SMALL.replace("prod", name);
    world.put("repository/tfbackend.toml", "[env.prod]\n");
    world.ok("repository", &format!("bootstrap {} -y", env("prod")));
    world.put("repository/tfbackend.toml", "[env.prod]\n[env.dev]\n");
    for name in ["dev", "prod", "dev"] {
        world.ok("repository", &format!("bootstrap {} -y", env(name)));
    }
    let files = || {
        let entries = fs::read_dir(world.path("repository")).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("one").file_name().into_string().expect("text"))
            .collect();
        names.sort();
        names
    };
    assert_eq!(
        files(),
        [
            ".git",
            "backend.conf",
            "backend.tf",
            "dev.s3.tfbackend",
            "tfbackend.toml"
        ]
    );
    world.ok("repository", &format!("render {} --check", env("prod")));
    // The other way round as well: an environment that goes takes no other's file with it.
    world.put("repository/tfbackend.toml", "[env.dev]\n");
    world.ok("repository", &format!("bootstrap {} -y", env("dev")));
    assert_eq!(
        files(),
        [
            ".git",
            "backend.conf",
            "backend.tf",
            "dev.s3.tfbackend",
            "tfbackend.toml"
        ]
    );
    // Changed by hand it is not replaced, and no second one is written beside it.
    world.put("repository/tfbackend.toml", "[env.prod]\n[env.dev]\n");
    let changed = world.read("repository/backend.conf") + "profile = \"prod\"\n";
    world.put("repository/backend.conf", &changed);
    let text = world.refused("repository", &format!("bootstrap {} -y", env("prod")), 3);
    assert!(text.contains("backend.conf was changed by hand"), "{text}");
    assert_eq!(
        files(),
        [
            ".git",
            "backend.conf",
            "backend.tf",
            "dev.s3.tfbackend",
            "tfbackend.toml"
        ]
    );
    // A name that was said holds.
    world.put(
        "repository/tfbackend.toml",
        "conf-file = \"of-{env}.conf\"\n[env.prod]\n[env.dev]\n",
    );
    world.ok("repository/named", &format!("bootstrap {} -y", env("dev")));
    assert!(world.exists("repository/named/of-dev.conf"));
}

/// Without its block, `terraform init` with the other's file takes a local state, and says that it
/// succeeded.
#[tokio::test]
async fn block_that_another_environment_needs_stays_when_one_is_taken_down() {
    let world = Folders::new().await;
    let env = |name: &str| SMALL.replace("prod", name);
    world.put("repository/tfbackend.toml", "[env.prod]\n[env.dev]\n");
    for name in ["prod", "dev"] {
        world.ok("repository", &format!("bootstrap {} -y", env(name)));
    }
    world.put(
        "repository/main.tf",
        "resource \"terraform_data\" \"one\" {}\n",
    );
    world.terraform("repository", &["init", "-backend-config=dev.s3.tfbackend"]);
    world.terraform("repository", &["apply", "-auto-approve"]);
    let teardown = |name: &str| {
        let line = format!(
            "teardown {} --unprotect --purge-states --confirm \
             acme-tfstate-{name}-000000000000-eu-west-1",
            env(name)
        );
        world.ok("repository", &line)
    };
    let text = teardown("prod");
    assert!(
        text.contains("backend.tf has the block that dev.s3.tfbackend completes"),
        "{text}"
    );
    assert!(world.exists("repository/backend.tf") && !world.exists("repository/prod.s3.tfbackend"));
    world.terraform(
        "repository",
        &["init", "-reconfigure", "-backend-config=dev.s3.tfbackend"],
    );
    assert!(
        world
            .terraform("repository", &["plan", "-detailed-exitcode"])
            .contains("No changes.")
    );
    // The last one takes it along.
    teardown("dev");
    assert!(!world.exists("repository/backend.tf") && !world.exists("repository/dev.s3.tfbackend"));
}
