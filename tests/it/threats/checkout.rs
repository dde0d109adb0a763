//! A folder that another user made, and a command that is run in it: nothing is decided, shown,
//! sent or waited for because the folder says so.

use std::{
    fs,
    os::unix::fs::{chown, symlink},
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::Value;

use crate::support::{
    program::{Place, Said},
    proxy::{Proxy, Reply},
};

const CANARY: &str = "hvs.CANARYCANARYCANARY";
pub(super) const BLOCK: &str = "terraform {\n  backend \"s3\" {\n    bucket = \"states\"\n    key \
                                = \"k\"\n    region = \"eu-west-1\"\n  }\n}\n";
const SETTINGS: &str = "project = \"acme\"\n[env.dev]\nregion = \"eu-west-1\"\n";

/// Whether a canary was sent anywhere.
static SENT: AtomicBool = AtomicBool::new(false);

/// Says who calls, and no more.
pub(super) fn answers() -> Proxy {
    Proxy::start(None, |call, request| {
        let body = request
            .body()
            .bytes()
            .map(String::from_utf8_lossy)
            .unwrap_or_default();
        if format!("{} {body}", request.uri()).contains("CANARY") {
            SENT.store(true, Ordering::SeqCst);
        }
        match &*call.service {
            "sts" => Reply::caller_identity(),
            "dynamodb" => Reply::Answer {
                status: 400,
                headers: &[("content-type", "application/x-amz-json-1.0")],
                body: "{}".to_owned(),
            },
            // Those who may only run Terraform may not look at the bucket either.
            _ => Reply::s3(403, "AccessDenied", "no"),
        }
    })
}

pub(super) fn write(place: &Place, name: &str, text: &str) {
    let path = place.path().join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, text).expect("written");
}

fn run(place: &Place, line: &str) -> Said {
    place.run(&line.split_whitespace().collect::<Vec<_>>())
}

/// What a person or their command line says is said by no file.
#[test]
fn threat_27_no_file_says_yes() {
    let place = Place::bare();
    for name in ["auto-approve", "non-interactive", "overwrite", "adopt"] {
        for (text, line) in [
            (format!("{name} = true\n{SETTINGS}"), 1),
            (format!("{SETTINGS}{name} = false\n"), 4),
        ] {
            write(&place, "tfbackend.toml", &text);
            for command in [
                "bootstrap",
                "plan",
                "render",
                "config show",
                "teardown --plan",
            ] {
                let said = run(&place, &format!("{command} --env dev"));
                let refusal = said.refusal();
                let place = format!(
                    "tfbackend.toml:{line}:1: `{name}` cannot be set in a file; pass `--{name}`, \
                     or set TFBACKEND_"
                );
                assert!(
                    said.code == Some(1) && refusal.contains(&place),
                    "{command}: {refusal}"
                );
            }
        }
    }
    assert_eq!(fs::read_dir(place.path()).expect("a folder").count(), 1);
}

#[test]
fn a_file_names_what_terraform_reads() {
    let place = Place::bare();
    for (name, file) in [
        ("conf-file", ".bashrc"),
        ("conf-file", ".s3.tfbackend"),
        ("conf-file", "Makefile"),
        ("conf-file", "deploy.sh"),
        ("conf-file", "credentials"),
        ("tf-file", ".envrc"),
        ("tf-file", "x.py"),
    ] {
        write(
            &place,
            "tfbackend.toml",
            &format!("{SETTINGS}{name} = \"{file}\"\n"),
        );
        let said = run(&place, "bootstrap --env dev -y");
        assert!(
            said.code == Some(1)
                && said
                    .refusal()
                    .contains(&format!("tfbackend.toml:4:1: `{name}` ")),
            "{file}: {}",
            said.all()
        );
    }
    for file in ["{env}.s3.tfbackend", "backend.hcl", "prod.config"] {
        write(
            &place,
            "tfbackend.toml",
            &format!("{SETTINGS}conf-file = \"{file}\"\n"),
        );
        assert_eq!(run(&place, "config show --env dev").code, Some(0), "{file}");
    }
    // A person may.
    write(&place, "tfbackend.toml", SETTINGS);
    assert_eq!(
        run(&place, "config show --env dev --conf-file settings").code,
        Some(0)
    );
}

#[test]
fn a_file_writes_below_its_own_folder_only() {
    let proxy = answers();
    let place = Place::at(proxy.endpoint());
    fs::create_dir(place.path().join(".git")).expect("made");
    fs::create_dir_all(place.path().join("envs/dev")).expect("made");
    let outside = tempfile::tempdir().expect("a folder");
    symlink(outside.path(), place.path().join("infra")).expect("a link");
    symlink("../nowhere/yet", place.path().join("dangling")).expect("a link");
    symlink("envs", place.path().join("stages")).expect("a link");
    let line = "bootstrap --env dev --lock s3 --encryption sse-s3 -y";
    for (out, from, code) in [
        (outside.path().to_str().expect("text"), ".", 1),
        ("/", ".", 1),
        ("../x", ".", 3),
        ("..", ".", 3),
        ("infra", ".", 3),
        ("infra/below", ".", 3),
        ("dangling", ".", 3),
        ("envs/../../x", ".", 3),
        ("../../..", "envs/dev", 3),
        ("../../infra", "envs/dev", 3),
    ] {
        write(
            &place,
            "tfbackend.toml",
            &format!("{SETTINGS}out = \"{out}\"\n"),
        );
        let said = run(&place, &format!("--chdir {from} {line}"));
        let refusal = said.refusal();
        assert!(
            said.code == Some(code)
                && refusal.contains("tfbackend.toml:4")
                && refusal.contains("`out` "),
            "{out}: {refusal}"
        );
        let shown = run(&place, &format!("--chdir {from} verify --env dev"));
        assert_eq!(
            shown.code,
            Some(code),
            "{out}: nothing is read there either: {}",
            shown.all()
        );
    }
    assert_eq!(
        (
            proxy.take(),
            fs::read_dir(outside.path()).expect("a folder").count()
        ),
        (vec![], 0)
    );
    for (out, from) in [
        ("envs/dev", "."),
        ("new/folder", "."),
        ("../..", "envs/dev"),
        ("stages/dev", "."),
        (".", "envs"),
    ] {
        write(
            &place,
            "tfbackend.toml",
            &format!("{SETTINGS}out = \"{out}\"\n"),
        );
        let said = run(&place, &format!("--chdir {from} {line}"));
        assert!(
            !said.err.contains("`out`")
                && proxy.take().contains(&"sts:GetCallerIdentity".to_owned()),
            "{out}: {}",
            said.all()
        );
    }
    // The command line may lead anywhere, and so may the user who names the file.
    let said = run(&place, &format!("{line} --out infra"));
    assert!(!said.err.contains("`out`"), "{}", said.all());
    fs::create_dir(place.path().join("elsewhere")).expect("made");
    fs::rename(
        place.path().join("tfbackend.toml"),
        place.path().join("elsewhere/named.toml"),
    )
    .expect("moved");
    let said = run(&place, &format!("--config elsewhere/named.toml {line}"));
    assert!(!said.err.contains("`out`"), "{}", said.all());
}

/// As a user who may give files away: in CI that is root.
#[test]
fn settings_of_another_user_are_refused() {
    let place = Place::bare();
    fs::create_dir(place.path().join(".git")).expect("made");
    fs::create_dir(place.path().join("infra")).expect("made");
    write(&place, "tfbackend.toml", SETTINGS);
    let own = run(&place, "config show --env dev");
    assert_eq!(own.code, Some(0), "{}", own.all());
    if chown(place.path().join("tfbackend.toml"), Some(65534), None).is_err() {
        assert!(
            !tfbackend::host::user::is_trusted(65534, None),
            "what decides it"
        );
        return;
    }
    for (line, shown) in [
        ("config show --env dev", "tfbackend.toml"),
        ("--chdir infra plan --env dev", "~/shop/tfbackend.toml"),
    ] {
        let said = run(&place, line);
        let refusal = said.refusal();
        assert!(
            said.code == Some(3)
                && refusal.contains(&format!("{shown} belongs to another user (uid 65534)")),
            "{line}: {refusal}"
        );
        assert!(refusal.contains(&format!("--config {shown}")), "{refusal}");
    }
    assert_eq!(
        run(&place, "config show --env dev --config tfbackend.toml").code,
        Some(0),
        "whoever names it, means it"
    );
    // Of the link as well as of what it leads to.
    write(&place, "own.toml", SETTINGS);
    fs::remove_file(place.path().join("tfbackend.toml")).expect("removed");
    symlink("own.toml", place.path().join("tfbackend.toml")).expect("a link");
    assert_eq!(run(&place, "config show --env dev").code, Some(0));
    std::os::unix::fs::lchown(place.path().join("tfbackend.toml"), Some(65534), None)
        .expect("given away");
    assert_eq!(run(&place, "config show --env dev").code, Some(3));
}

#[test]
fn links_of_a_folder_show_and_send_nothing() {
    let proxy = answers();
    let mut place = Place::at(proxy.endpoint());
    place.set("MY_SECRET", CANARY);
    let secret = place.path().parent().expect("a folder").join("token");
    fs::write(&secret, CANARY).expect("written");
    let key = format!(
        "AWS_SECRET_ACCESS_KEY=\"{CANARY}\"\nbucket = \"{CANARY}\"\nprofile = \"{CANARY}\"\n"
    );
    let settings = place.path().parent().expect("a folder").join("settings");
    fs::write(&settings, key).expect("written");
    let state = place.path().parent().expect("a folder").join("data");
    fs::create_dir(&state).expect("made");
    fs::write(state.join("environment"), CANARY).expect("written");
    fs::write(
        state.join("terraform.tfstate"),
        format!(
            "{{\"backend\": {{\"type\": \"{CANARY}\", \"config\": {{\"bucket\": \"{CANARY}\"}}}}}}"
        ),
    )
    .expect("written");
    let commands = [
        "state show",
        "state list",
        "state versions",
        "state pull --out x",
        "state backup",
        "state check",
        "lock show",
        "lock list",
    ];
    let verify = "verify --bucket states --region eu-west-1";
    for (link, to) in [
        (".terraform/environment", "/proc/self/environ"),
        (".terraform/environment", secret.to_str().expect("text")),
        (
            ".terraform/terraform.tfstate",
            state.join("terraform.tfstate").to_str().expect("text"),
        ),
        (".terraform", state.to_str().expect("text")),
        ("other.tf", settings.to_str().expect("text")),
        ("x.tfbackend", settings.to_str().expect("text")),
        ("backend.conf", settings.to_str().expect("text")),
        ("x.tfbackend", "/proc/self/environ"),
        ("backend_override.tf", settings.to_str().expect("text")),
        (
            "old.tfstate",
            state.join("terraform.tfstate").to_str().expect("text"),
        ),
    ] {
        let _ = fs::remove_dir_all(place.path());
        write(&place, "main.tf", BLOCK);
        let link = place.path().join(link);
        fs::create_dir_all(link.parent().expect("a folder")).expect("made");
        symlink(to, &link).expect("a link");
        for command in commands.iter().chain(&[verify]) {
            for output in ["", " --output json"] {
                let said = run(&place, &format!("{command}{output}"));
                assert!(
                    !said.all().contains("CANARY") && said.code.is_some(),
                    "{} -> {to}, {command}: {}",
                    link.display(),
                    said.all()
                );
            }
        }
    }
    assert!(!SENT.load(Ordering::SeqCst));
    // A link would be one thing; a file that was checked in is another.
    let _ = fs::remove_dir_all(place.path());
    write(&place, "main.tf", BLOCK);
    write(&place, ".terraform/environment", &format!("{CANARY}\nmore"));
    let said = run(&place, "state show");
    assert!(
        said.code == Some(1)
            && said
                .refusal()
                .contains(".terraform/environment does not hold the name of a workspace"),
        "{}",
        said.all()
    );
    assert!(!said.all().contains("CANARY"), "{}", said.all());
}

/// `config init`, `bootstrap --save` and `lock migrate` write the settings; what a link leads to is
/// replaced, so it may not lead anywhere.
#[test]
fn settings_file_that_leads_out_of_the_repository_is_not_written() {
    let proxy = answers();
    let place = Place::at(proxy.endpoint());
    let (outside, link) = (
        tempfile::tempdir().expect("a folder"),
        place.path().join("tfbackend.toml"),
    );
    let target = outside.path().join("settings.toml");
    fs::write(&target, "project = \"acme\"\n").expect("written");
    symlink(&target, &link).expect("a link");
    let lines = [
        "config init --env dev --region eu-west-1",
        "bootstrap --env dev --region eu-west-1 --save -y",
        "verify --env dev --region eu-west-1 --ignore key-rotation --reason x",
    ];
    let target_shown = fs::canonicalize(&target)
        .expect("there")
        .display()
        .to_string();
    for repository in [false, true] {
        for line in lines {
            let said = run(&place, line);
            let refusal = said.refusal();
            assert!(
                said.code == Some(3) && refusal.contains("tfbackend.toml is a symbolic link to"),
                "{line}: {refusal}"
            );
            assert!(refusal.contains(&target_shown), "{line}: {refusal}");
            assert_eq!(
                fs::read_to_string(&target).expect("there"),
                "project = \"acme\"\n",
                "{line}"
            );
        }
        if !repository {
            fs::create_dir(place.path().join(".git")).expect("made");
        }
    }
    // Within the repository a link stays one, and what it leads to is written. The user may name
    // the file elsewhere.
    fs::create_dir(place.path().join("envs")).expect("made");
    let from = place.path().join("envs");
    symlink("../shared.toml", from.join("tfbackend.toml")).expect("a link");
    write(&place, "shared.toml", "project = \"acme\"\n");
    let said = run(
        &place,
        "--chdir envs config init --env dev --region eu-west-1",
    );
    assert!(
        said.code == Some(0) && from.join("tfbackend.toml").is_symlink(),
        "{}",
        said.all()
    );
    assert!(
        fs::read_to_string(place.path().join("shared.toml"))
            .expect("there")
            .contains("[env.dev]")
    );
    let said = run(
        &place,
        &format!(
            "config init --env dev --region eu-west-1 --config {}",
            target.display()
        ),
    );
    assert!(
        said.code == Some(0)
            && fs::read_to_string(&target)
                .expect("there")
                .contains("[env.dev]"),
        "{}",
        said.all()
    );

    // What is not there has not changed meanwhile.
    fs::remove_file(&link).expect("removed");
    symlink("../nowhere.toml", &link).expect("a link");
    let said = run(
        &place,
        "config init --project acme --env dev --region eu-west-1",
    );
    let refusal = said.refusal();
    let dangling = "tfbackend.toml is a symbolic link to ../nowhere.toml, which does not exist";
    assert!(
        said.code == Some(3) && refusal.contains(dangling),
        "{refusal}"
    );
    assert!(
        !place
            .path()
            .parent()
            .expect("a folder")
            .join("nowhere.toml")
            .exists()
    );
}

#[test]
fn endpoints_and_roles_of_a_folder_are_notes() {
    let proxy = answers();
    let mut place = Place::at("http://127.0.0.1:1");
    place.vars.remove("AWS_ENDPOINT_URL");
    let with = |more: &str| BLOCK.replace("    region", &format!("{more}\n    region"));
    // No user is there: what was asked is said all the same.
    write(
        &place,
        "main.tf",
        &with("    endpoints = { sts = \"https://sts.evil.invalid/path?x=CANARY\" }"),
    );
    for (line, json) in [
        ("state list", false),
        ("-q state list", false),
        ("state list --output json", true),
    ] {
        let said = run(&place, line);
        let text = if json { &said.out } else { &said.err };
        assert!(
            said.code == Some(1)
                && text.contains("https://sts.evil.invalid")
                && !text.contains("CANARY"),
            "{line}: {}",
            said.all()
        );
        assert!(
            !json || serde_json::from_str::<Value>(text).is_ok(),
            "{text}"
        );
    }
    // A role is taken on: the one who answers is who was named.
    let role = "arn:aws:iam::999999999999:role/other";
    let endpoints = format!(
        "    endpoints = {{ s3 = \"{0}\", sts = \"{0}\" }}",
        proxy.endpoint()
    );
    write(
        &place,
        "main.tf",
        &with(&format!(
            "{endpoints}\n    assume_role = {{ role_arn = \"{role}\" }}"
        )),
    );
    let said = run(&place, "lock list --output json");
    assert!(said.out.contains(role), "{}", said.all());
    let said = run(&place, "lock list");
    assert!(
        said.err.contains(role) && said.err.contains("main.tf:"),
        "{}",
        said.all()
    );
    // On this machine, it is no other user.
    write(&place, "main.tf", &with(&endpoints));
    let said = run(&place, "lock list --output json");
    assert!(!said.out.contains("calls to"), "{}", said.all());
}
