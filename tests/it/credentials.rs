//! Profile and role of an environment: tfbackend uses them, and Terraform does on request.

use std::{fs, process::Command};

use serde_json::{Value, json};
use tfbackend::settings::layer::SettingsLayer;

use crate::support::{emulator::Emulator, program::Place, user::User};

const PYTHON: &str = "tests/it/credentials.py";
const ADMIN: &str = "arn:aws:iam::000000000000:role/teams/admin";
const QUIET: &str = "trail = \"off\"\nalarms = false\naccess-logs = false\n";

/// An engineer who may do nothing but assume a role, by way of a profile; no variable has
/// credentials.
async fn engineer(emulator: &Emulator) -> Place {
    emulator.python(PYTHON, &[]);
    let user = User::make(emulator, "engineer").await;
    user.may(&json!({ "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ADMIN }))
        .await;
    let mut place = user.place(emulator);
    let [id, secret] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        .map(|name| place.vars.remove(name).expect("a key"));
    let profile = format!(
        "[profile engineer]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\nregion = \
         eu-west-1\n"
    );
    let config = place.path().join("aws-config");
    fs::write(&config, profile).expect("written");
    place.set("AWS_CONFIG_FILE", &config.display().to_string());
    // A profile that is named goes before them, as for Terraform.
    place.set("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
    place.set("AWS_SECRET_ACCESS_KEY", "of-nobody");
    place
}

fn settings(place: &Place, env: &str) {
    let text = format!("project = \"acme\"\n{QUIET}[env.prod]\n{env}");
    fs::write(place.path().join("tfbackend.toml"), text).expect("written");
}

fn run(place: &Place, line: &str) -> (Option<i32>, String) {
    let said = place.run(&line.split_whitespace().collect::<Vec<_>>());
    // Where a line breaks is another matter.
    (
        said.code,
        said.all().split_whitespace().collect::<Vec<_>>().join(" "),
    )
}

fn document(place: &Place, line: &str) -> Value {
    let said = place.run(
        &[
            &line.split_whitespace().collect::<Vec<_>>()[..],
            &["--output", "json"],
        ]
        .concat(),
    );
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.all()))
}

#[tokio::test]
async fn an_environment_is_made_and_used_by_way_of_its_profile_and_role() {
    let emulator = Emulator::start().await;
    let place = engineer(&emulator).await;
    let at = format!("--env prod --endpoint-url {}", emulator.endpoint());

    settings(&place, "profile = \"engineer\"\nconf-credentials = true\n");
    let (code, said) = run(&place, &format!("bootstrap {at} -y"));
    assert_ne!(code, Some(0), "the engineer alone may do nothing: {said}");
    let role = format!("profile = \"engineer\"\nrole-arn = \"{ADMIN}\"\nconf-credentials = true\n");
    settings(&place, &format!("{role}external-id = \"acme-1\"\n"));

    // The region is that of the profile.
    let (code, said) = run(&place, &format!("bootstrap {at} -y"));
    assert_eq!(code, Some(0), "{said}");
    for note in [
        "calls use profile engineer, set by tfbackend.toml:6",
        &format!("calls assume the role {ADMIN}, set by"),
    ] {
        assert!(said.contains(note), "{said}");
    }
    let conf = fs::read_to_string(place.path().join("backend.conf")).expect("a file");
    let rendered = format!(
        "profile = \"engineer\"\nassume_role = {{\n  role_arn    = \"{ADMIN}\"\n  external_id = \
         \"acme-1\"\n}}\n"
    );
    assert!(conf.contains(&rendered), "{conf}");

    let terraform = |args: &[&str]| {
        let mut command = Command::new("terraform");
        command
            .args(args)
            .current_dir(place.path())
            .env_clear()
            .envs(&place.vars)
            .env("CHECKPOINT_DISABLE", "1");
        let output = command.output().expect("terraform");
        let all = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(
            output.status.success() && !all.contains("Warning"),
            "{args:?}: {all}"
        );
    };
    terraform(&[
        "init",
        "-no-color",
        "-input=false",
        "-backend-config=backend.conf",
    ]);
    fs::write(
        place.path().join("main.tf"),
        "output \"x\" {\n  value = 1\n}\n",
    )
    .expect("written");
    terraform(&["apply", "-no-color", "-input=false", "-auto-approve"]);

    // By the environment, by the folder, and by the bucket alone with the role on the command line.
    for way in [
        at.clone(),
        String::new(),
        format!(
            "--bucket acme-tfstate-prod-000000000000-eu-west-1 --endpoint-url {} --profile \
             engineer --role-arn {ADMIN} --external-id acme-1",
            emulator.endpoint()
        ),
    ] {
        let listed = document(&place, &format!("state list {way}"));
        assert_eq!(
            listed["states"].as_array().map(Vec::len),
            Some(1),
            "{way}: {listed:#}"
        );
    }
    let noted = document(&place, &format!("lock list {at}"))["notes"].to_string();
    assert!(
        noted.contains("calls use profile engineer") && noted.contains("set by tfbackend.toml:7"),
        "{noted}"
    );
    let verified = document(&place, &format!("verify {at} --min-severity medium"));
    assert_eq!(verified["findings"], json!([]), "{verified:#}");
    assert!(
        verified["notes"]
            .to_string()
            .contains("set by tfbackend.toml:7"),
        "{verified:#}"
    );
    // Written again, the files are the same; without the request, neither is in them.
    assert_eq!(run(&place, &format!("render {at} --check")).0, Some(0));
    // A pipeline that has its rights already looks with those: the files stay as they are.
    let (id, secret) = emulator.credentials();
    for line in [
        "render --check",
        "verify --min-severity medium",
        "bootstrap -y",
    ] {
        let line = format!("{line} {at} --region eu-west-1 --profile none --role-arn none");
        let mut command = place.command(&line.split(' ').collect::<Vec<_>>());
        command
            .env("AWS_ACCESS_KEY_ID", &id)
            .env("AWS_SECRET_ACCESS_KEY", &secret);
        let said = place.said(&command.output().expect("the program"));
        assert_eq!(said.code, Some(0), "{line}: {}", said.all());
    }
    assert_eq!(
        fs::read_to_string(place.path().join("backend.conf")).expect("a file"),
        conf
    );
    // Where nothing says it any more, it is kept; the role too, which is used by Terraform only
    // then.
    fs::write(
        place.path().join("tfbackend.toml"),
        format!("project = \"acme\"\n{QUIET}[env.prod]\n"),
    )
    .expect("written");
    let flags = format!("--profile engineer --role-arn {ADMIN} --external-id acme-1");
    let (code, said) = run(&place, &format!("bootstrap {at} {flags} -y"));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(
        fs::read_to_string(place.path().join("backend.conf")).expect("a file"),
        conf
    );
    settings(
        &place,
        &format!("{role}external-id = \"acme-1\"\n").replace("true", "false"),
    );
    let (code, said) = run(&place, &format!("render {at}"));
    assert_eq!(code, Some(0), "{said}");
    let conf = fs::read_to_string(place.path().join("backend.conf")).expect("a file");
    assert!(
        !conf.contains("assume_role") && !conf.contains("profile"),
        "{conf}"
    );
}

/// Printed commands name the role again, and the profile once.
#[tokio::test]
async fn printed_commands_name_profile_and_role() {
    let emulator = Emulator::start().await;
    let place = engineer(&emulator).await;
    let flags =
        format!("--project acme --profile engineer --role-arn {ADMIN} --external-id acme-1");
    let (code, said) = run(&place, &format!("plan --env prod {flags}"));
    assert_eq!(code, Some(0), "{said}");
    assert!(
        !said.contains("note: calls use profile") && !said.contains("note: calls assume"),
        "the caller said it: {said}"
    );
    let next = document(&place, &format!("verify --env prod {flags}"))["notes"].to_string();
    let command = format!(
        "tfbackend bootstrap --env prod --project acme --role-arn {ADMIN} --external-id acme-1 \
         --profile=engineer"
    );
    assert!(next.contains(&command), "{next}");

    let (code, said) = run(
        &place,
        &format!("plan --env prod {}", flags.replace("acme-1", "acme-2")),
    );
    assert_eq!(code, Some(1), "{said}");
    let why = format!(
        "cannot assume the role {ADMIN} caused by: sts:AssumeRole on {ADMIN}: AccessDenied"
    );
    assert!(
        said.contains(&why) && said.contains("to assume it with the external ID acme-2"),
        "{said}"
    );
    // The same of a bucket alone, also by variables.
    let listed = run(
        &place,
        &format!("state list --bucket states-1 --profile engineer --role-arn {ADMIN}"),
    );
    assert!(
        listed
            .1
            .contains(&format!("cannot assume the role {ADMIN}"))
            && listed.1.contains("--external-id"),
        "{}",
        listed.1
    );
    let mut by_variables = place;
    by_variables.set("TFBACKEND_PROFILE", "engineer");
    by_variables.set("TFBACKEND_ROLE_ARN", ADMIN);
    by_variables.set("TFBACKEND_EXTERNAL_ID", "acme-1");
    let (_, said) = run(&by_variables, "state list --bucket no-such-states");
    assert!(said.contains("there is no bucket no-such-states"), "{said}");
    // What a variable or a file says can be left out for once.
    let (code, said) = run(
        &by_variables,
        "plan --env prod --project acme --region eu-west-1 --profile none --role-arn none",
    );
    assert!(
        code == Some(1) && said.contains("AWS rejected these credentials"),
        "{said}"
    );
}

#[test]
fn an_external_id_belongs_to_the_role_it_was_said_with() {
    let place = Place::bare();
    settings(
        &place,
        &format!("region = \"eu-west-1\"\nrole-arn = \"{ADMIN}\"\nexternal-id = \"acme-1\"\n"),
    );
    let shown = |line: &str| {
        document(&place, &format!("config show --env prod {line}"))["settings"].to_string()
    };
    assert!(shown("").contains("acme-1"));
    let other = "--role-arn arn:aws:iam::000000000000:role/other";
    assert!(!shown(other).contains("acme-1"));
    // Also across a variable and a flag, and a saved plan and a flag.
    let layer = |role: Option<&str>, id: Option<&str>| SettingsLayer {
        role_arn: role.map(|role| role.parse().expect("a role")),
        external_id: id.map(|id| id.parse().expect("an ID")),
        ..SettingsLayer::default()
    };
    let weaker = layer(Some(ADMIN), Some("acme-1"));
    for (stronger, expected) in [
        (layer(None, None), weaker.clone()),
        (
            layer(None, Some("acme-2")),
            layer(Some(ADMIN), Some("acme-2")),
        ),
        (layer(Some(ADMIN), None), layer(Some(ADMIN), None)),
        (
            layer(Some(ADMIN), Some("acme-2")),
            layer(Some(ADMIN), Some("acme-2")),
        ),
    ] {
        assert_eq!(stronger.or_credentials(&weaker), expected);
    }
}

/// Credentials of the command line are those of the caller, and not a part of the plan: those of
/// the settings file, and those that the files name, are.
#[tokio::test]
async fn a_saved_plan_is_carried_out_with_other_credentials() {
    let emulator = Emulator::start().await;
    let place = engineer(&emulator).await;
    let role = format!("--role-arn {ADMIN} --external-id acme-1");
    let flags = format!("--env prod --project acme --profile engineer {role}");
    let planned = |line: &str, file: &str| {
        let (code, said) = run(&place, &format!("plan {line} --out {file}"));
        assert_eq!(code, Some(0), "{said}");
        let plan = fs::read(place.path().join(file)).expect("a plan");
        let settings = &serde_json::from_slice::<Value>(&plan).expect("JSON")["settings"];
        ["profile", "role-arn", "external-id"]
            .map(|name| settings[name].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(planned(&flags, "saved.plan"), ["", "", ""]);
    let named = ["engineer", ADMIN, "acme-1"];
    assert_eq!(
        planned(&format!("{flags} --conf-credentials"), "rendered.plan"),
        named
    );

    let (code, said) = run(&place, "bootstrap saved.plan -y --profile engineer");
    assert_eq!(code, Some(3), "without the role: {said}");
    let config = place.path().join("aws-config");
    let engineer = fs::read_to_string(&config).expect("a file");
    fs::write(&config, engineer.replace("profile engineer", "profile ci")).expect("written");
    let (code, said) = run(
        &place,
        &format!("bootstrap saved.plan -y --profile ci {role}"),
    );
    assert_eq!(code, Some(0), "{said}");

    fs::write(&config, engineer).expect("written");
    settings(
        &place,
        &format!(
            "profile = \"engineer\"\nrole-arn = \"{ADMIN}\"\nexternal-id = \
             \"acme-1\"\nnoncurrent-days = 120\n"
        ),
    );
    assert_eq!(planned("--env prod", "of-file.plan"), named);
    fs::remove_file(place.path().join("tfbackend.toml")).expect("removed");
    // A plan may have come with a checkout, too.
    let (code, said) = run(&place, "bootstrap of-file.plan -y");
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains(&format!(
            "note: calls assume the role {ADMIN}, set by the plan"
        )),
        "{said}"
    );
}
