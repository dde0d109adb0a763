//! The workspace that is selected in a folder: which of the states of an environment a command is
//! about.

use std::fs;

use super::{BUCKET, Folders, SMALL};

const NAMED: &str = "--env prod --project acme --region eu-west-1 --lock s3";

#[tokio::test]
async fn state_of_the_selected_workspace_is_the_one_that_is_restored() {
    let world = Folders::new().await;
    world.ok("app", &format!("bootstrap {SMALL} -y"));
    world.put(
        "app/main.tf",
        "variable \"name\" {}\noutput \"name\" {\n  value = var.name\n}\n",
    );
    world.terraform("app", &["init", "-backend-config=backend.conf"]);
    let apply = |name: &str| {
        world.terraform(
            "app",
            &["apply", "-auto-approve", &format!("-var=name={name}")],
        )
    };
    apply("default-1");
    apply("default-2");
    world.terraform("app", &["workspace", "new", "blue"]);
    apply("blue-1");
    apply("blue-2");

    let blue = format!("s3://{BUCKET}/env:/blue/terraform.tfstate");
    let text = world.ok("app", &format!("state restore {NAMED} --serial 2 -y"));
    assert!(
        text.find(&format!("State: {blue}\n")) < text.find("locked ("),
        "it is named before it is written: {text}"
    );
    assert!(world.terraform("app", &["output"]).contains("blue-1"));
    assert_eq!(selected(&world, "app", ""), "blue");
    world.terraform("app", &["workspace", "select", "default"]);
    assert!(
        world.terraform("app", &["output"]).contains("default-2"),
        "the other one is as it was"
    );
    assert_eq!(selected(&world, "app", ""), "default");

    // Of a folder that `init` gave another state, or none, the selection says nothing.
    world.terraform("app", &["workspace", "select", "blue"]);
    world.put("plain/main.tf", "");
    for (folder, key) in [("app", "--key other.tfstate"), ("plain", "")] {
        assert_eq!(selected(&world, folder, key), "default", "{folder}");
    }
    // What cannot be told is not taken for the default.
    fs::write(world.path("app").join(".terraform/environment"), "a/b").expect("written");
    let text = world.refused("app", &format!("state restore {NAMED} --serial 1 -y"), 1);
    assert!(text.contains("the selected workspace is unknown"), "{text}");
}

/// The workspace of the state that a command is about.
#[track_caller]
fn selected(world: &Folders, folder: &str, more: &str) -> String {
    let text = world.ok(folder, &format!("lock show {NAMED} {more} --output json"));
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("\"workspace\": "));
    line.unwrap_or_else(|| panic!("{text}"))
        .trim_end_matches(',')
        .trim_matches('"')
        .to_owned()
}
