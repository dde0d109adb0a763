//! A folder that has a `backend` block of its own: no second one is written, and the real Terraform
//! takes what is there.

use serde_json::Value;

use super::{BUCKET, Folders, SMALL};

impl Folders {
    /// What `init` made of block and partial configuration.
    fn initialized(&self, folder: &str) -> Value {
        self.terraform(folder, &["init", "-backend-config=backend.conf"]);
        let text = self.read(&format!("{folder}/.terraform/terraform.tfstate"));
        serde_json::from_str::<Value>(&text).expect("what init stored")["backend"]["config"].clone()
    }
}

#[tokio::test]
async fn block_of_the_user_is_completed_by_the_partial_configuration() {
    let world = Folders::new().await;
    let old = "bucket = \"old\"\n    key = \"old.tfstate\"\n    region = \"us-east-1\"\n    \
               dynamodb_table = \"old\"\n";
    for (folder, file, text, line) in [
        (
            "empty",
            "main.tf",
            "terraform {\n  required_version = \">= 1.10\"\n  backend \"s3\" {}\n}\n".to_owned(),
            ":3",
        ),
        (
            "full",
            "versions.tf",
            format!("terraform {{\n  backend \"s3\" {{\n    {old}  }}\n}}\n"),
            ":2",
        ),
        (
            "json",
            "main.tf.json",
            r#"{"terraform": {"backend": {"s3": {"key": "old"}}}}"#.to_owned(),
            "",
        ),
        (
            "override",
            "backend_override.tf",
            "terraform {\n  backend \"s3\" {}\n}\n".to_owned(),
            ":2",
        ),
        (
            "comment",
            "main.tf",
            "# required_version = \">= 1.10\"\nterraform {\n  backend \"s3\" {}\n}\n".to_owned(),
            ":3",
        ),
    ] {
        world.put(&format!("{folder}/{file}"), &text);
        let line_of_key =
            format!("{SMALL} --lock both --key {folder}.tfstate").replacen("--lock s3 ", "", 1);
        let plan = world.ok(folder, &format!("plan {line_of_key}"));
        let said = world.ok(folder, &format!("bootstrap {line_of_key} -y"));
        for text in [&plan, &said] {
            let there = format!(
                "{file}{line} has the backend \"s3\" block: backend.tf is not written, and \
                 backend.conf completes that block"
            );
            assert!(text.contains(&there), "{folder}: {text}");
            assert_eq!(
                text.contains("missing there: `required_version"),
                folder != "empty",
                "{folder}: {text}"
            );
        }
        assert!(!world.exists(&format!("{folder}/backend.tf")), "{folder}");
        assert_eq!(
            world.read(&format!("{folder}/{file}")),
            text,
            "{folder}: the user's file is the user's"
        );
        let config = world.initialized(folder);
        assert_eq!(
            (
                config["bucket"].as_str(),
                config["key"].as_str(),
                config["use_lockfile"].as_bool()
            ),
            (
                Some(BUCKET),
                Some(&*format!("{folder}.tfstate")),
                Some(true)
            ),
            "{folder}"
        );
        world.ok(folder, &format!("render {line_of_key} --check"));
    }
}

/// The name of our file is a usual one.
#[tokio::test]
async fn users_own_backend_tf_stays_and_is_completed() {
    let world = Folders::new().await;
    let text = "terraform {\n  backend \"s3\" {}\n}\n";
    world.put("own/backend.tf", text);
    world.ok("own", &format!("bootstrap {SMALL} -y"));
    assert_eq!(world.read("own/backend.tf"), text);
    assert_eq!(world.initialized("own")["bucket"], BUCKET);
    // Taking the files away takes none of the user's.
    let down =
        format!("{SMALL} --unprotect --confirm {BUCKET}").replace(" --lock", " --ephemeral --lock");
    world.ok("own", &format!("teardown {down}"));
    assert_eq!(
        (
            world.read("own/backend.tf").as_str(),
            world.exists("own/backend.conf")
        ),
        (text, false)
    );
}

/// What is in the way of a file is said before anything is made, and the name of the folder for
/// copies is no file of Terraform's.
#[tokio::test]
async fn plan_names_what_is_in_the_way_of_a_file() {
    let world = Folders::new().await;
    world.put("pipe/main.tf", "");
    for name in ["backend.conf", "backend.tf", ".tfbackend"] {
        let made = std::process::Command::new("mkfifo")
            .arg(world.path("pipe").join(name))
            .status()
            .expect("mkfifo");
        assert!(made.success());
    }
    let planned = world.ok("pipe", &format!("plan {SMALL}"));
    let planned = planned.split_whitespace().collect::<Vec<_>>().join(" ");
    for name in ["backend.conf", "backend.tf"] {
        assert!(
            planned.contains(&format!(
                "{name} is not a regular file, so bootstrap refuses to write it: move it away"
            )),
            "{planned}"
        );
    }
    let refused = world.run("pipe", &format!("bootstrap {SMALL} -y"));
    assert!(
        refused.code == Some(3) && refused.text.contains("is not a regular file"),
        "{}",
        refused.text
    );
    let checked = world.run("pipe", &format!("verify {SMALL}"));
    assert!(
        checked.text.contains("backend.conf") && !checked.text.contains(" .tfbackend"),
        "{}",
        checked.text
    );
}

/// Terraform would not know which account to hold against those that are allowed, and refuses each.
#[tokio::test]
async fn block_that_skips_the_account_is_completed_without_allowed_accounts() {
    let world = Folders::new().await;
    let text = |skip: &str| {
        format!(
            "terraform {{\n  backend \"s3\" {{\n    skip_requesting_account_id = {skip}\n  \
             }}\n}}\n"
        )
    };
    for (folder, file) in [("main", "main.tf"), ("own", "backend.tf")] {
        world.put(&format!("{folder}/{file}"), &text("true"));
        let line = format!("{SMALL} --key {folder}.tfstate");
        let said = world.ok(folder, &format!("bootstrap {line} -y"));
        assert!(
            said.contains("backend.conf has no `allowed_account_ids`") && said.contains(file),
            "{folder}: {said}"
        );
        let config = world.initialized(folder);
        assert_eq!(
            (
                config["bucket"].as_str(),
                config["allowed_account_ids"].as_array()
            ),
            (Some(BUCKET), None),
            "{folder}: {config}"
        );
        world.ok(folder, &format!("render {line} --check"));
        // Without the argument, the account is checked again.
        world.put(&format!("{folder}/{file}"), &text("false"));
        world.ok(folder, &format!("render {line}"));
        assert!(
            world
                .read(&format!("{folder}/backend.conf"))
                .contains("allowed_account_ids = ["),
            "{folder}"
        );
    }
}

#[tokio::test]
async fn block_of_another_kind_is_named_and_works_once_it_is_replaced() {
    let world = Folders::new().await;
    for (folder, block) in [
        ("cloud", "cloud {\n    organization = \"acme\"\n  }"),
        ("gcs", "backend \"gcs\" {\n    bucket = \"old\"\n  }"),
        (
            "store",
            "state_store \"aws_s3\" {\n    provider \"aws\" {}\n  }",
        ),
    ] {
        let main = format!("terraform {{\n  {block}\n}}\n");
        world.put(&format!("{folder}/main.tf"), &main);
        let line = format!("{SMALL} --key {folder}.tfstate");
        let said = world.ok(folder, &format!("bootstrap {line} -y"));
        let title = block.split(" {").next().expect("a title");
        let unsupported = if folder == "store" {
            " (tfbackend does not support state stores, only `backend \"s3\"`)"
        } else {
            ""
        };
        assert!(
            said.contains(&format!(
                "main.tf:2 has a {title} block{unsupported}: backend.tf is not written."
            )),
            "{said}"
        );
        assert!(
            !world.exists(&format!("{folder}/backend.tf"))
                && world.exists(&format!("{folder}/backend.conf")),
            "{folder}"
        );
        world.put(
            &format!("{folder}/main.tf"),
            &main.replace(block, "backend \"s3\" {}"),
        );
        assert_eq!(world.initialized(folder)["bucket"], BUCKET, "{folder}");
    }
}

/// As `init` of Terraform 1.15 stores it, once the block is gone from the files.
#[tokio::test]
async fn no_block_is_written_beside_a_state_store_that_init_stored() {
    let world = Folders::new().await;
    let stored = r#"{"version": 3, "state_store": {"type": "aws_s3", "provider": {"config": {}}, "config": {"bucket": "b"}, "hash": 1}}"#;
    world.put("store/.terraform/terraform.tfstate", stored);
    let said = world.ok("store", &format!("bootstrap {SMALL} -y"));
    let has = ".terraform/terraform.tfstate has `state_store \"aws_s3\"`: tfbackend does not \
               support state stores, only `backend \"s3\"`";
    assert!(
        said.contains(has) && said.contains("backend.tf is not written"),
        "{said}"
    );
    assert!(!world.exists("store/backend.tf") && world.exists("store/backend.conf"));
    for line in [
        "state list",
        "state check",
        "lock list",
        "lock show",
        "lock migrate --check",
    ] {
        let said = world.refused("store", line, 1);
        assert!(said.contains(has), "{line}: {said}");
    }
    let said = world.refused(
        "store",
        &format!("verify --bucket {BUCKET} --region eu-west-1"),
        2,
    );
    assert!(
        said.contains("the files of this folder were not checked") && said.contains(has),
        "{said}"
    );
    // A block that is there already is the user's choice.
    world.put("store/backend.tf", "terraform {\n  backend \"s3\" {}\n}\n");
    let said = world.ok("store", &format!("render {SMALL}"));
    assert!(!said.contains("does not support"), "{said}");
    // What cannot be read may be one.
    world.put("broken/.terraform/terraform.tfstate", "{");
    let broken = SMALL.replace("--lock", "--key broken.tfstate --lock");
    let said = world.ok("broken", &format!("bootstrap {broken} -y"));
    let unclear = ".terraform/terraform.tfstate is not valid JSON at line 1, column 1: whether \
                   `init` chose a state store there is unknown";
    assert!(
        said.contains(unclear) && said.contains("backend.tf is not written"),
        "{said}"
    );
    assert!(!world.exists("broken/backend.tf") && world.exists("broken/backend.conf"));
    world.put("broken/backend.tf", "terraform {\n  backend \"s3\" {}\n}\n");
    assert!(
        !world
            .ok("broken", &format!("render {broken}"))
            .contains("unknown")
    );
}

/// Two environments whose blocks have files of their own would be two blocks in one folder.
#[tokio::test]
async fn block_of_another_environment_is_enough() {
    let world = Folders::new().await;
    let files = "--tf-file {env}.tf --conf-file {env}.conf";
    world.ok("both", &format!("bootstrap {SMALL} -y {files}"));
    let said = world.ok(
        "both",
        &format!("bootstrap {} -y {files}", SMALL.replace("prod", "dev")),
    );
    assert!(
        said.contains("prod.tf:") && said.contains("dev.tf is not written"),
        "{said}"
    );
    assert!(world.exists("both/prod.tf") && !world.exists("both/dev.tf"));
    for env in ["prod", "dev"] {
        let conf = format!("-backend-config={env}.conf");
        world.terraform("both", &["init", "-reconfigure", &conf]);
    }
}

/// What Terraform understands and this program does not: a second block would be worse than none.
#[tokio::test]
async fn file_that_cannot_be_parsed_counts_if_it_looks_like_a_block() {
    let world = Folders::new().await;
    for (folder, text, warning, written) in [
        (
            "looks",
            "terraform {\n  backend \"s3\" {}\n}\nlocals {\n  x = {\n",
            "main.tf may have a backend block, and cannot be read: backend.tf is not written",
            false,
        ),
        (
            "speaks",
            "# the backend of terraform is elsewhere\nlocals {\n  x = {\n",
            "main.tf may also have a backend block: it cannot be read",
            true,
        ),
    ] {
        world.put(&format!("{folder}/main.tf"), text);
        let said = world.ok(
            folder,
            &format!("bootstrap {SMALL} -y --key {folder}.tfstate"),
        );
        assert!(said.contains(warning), "{said}");
        assert_eq!(
            world.exists(&format!("{folder}/backend.tf")),
            written,
            "{folder}: {said}"
        );
    }
}
