//! What is in the way of the files is found before anything is made.

use std::fs;

use crate::support::{
    emulator::Emulator,
    program::Place,
    proxy::{Proxy, Reply},
};

const LINE: &str = "--project acme --region eu-west-1 --lock s3 --encryption sse-s3 --trail off \
                    --alarms=false --policy=false --access-logs=false -y";

#[tokio::test]
async fn files_in_the_way_stop_a_run_before_it_begins() {
    let emulator = Emulator::start().await;
    let proxy = Proxy::start(Some(&emulator), |_, _| Reply::Forward);
    let mut place = Place::with(&emulator);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let dir = place.path();
    let prod = format!("--env prod {LINE}");

    fs::write(
        dir.join("backend.tf"),
        "terraform {\n  backend \"local\" {}\n}\n",
    )
    .expect("written");
    insta::assert_snapshot!(place.bootstrap(&prod).refusal(), @r#"
    3
    error: ~/shop/backend.tf was not written by tfbackend; nothing was changed
      caused by: --- backend.tf (content of 3 lines not shown)
        | +++ backend.tf (tfbackend)
        | -terraform.backend "local"
        | +terraform.backend "s3".encrypt
        | +terraform.required_version
      hint: move it away, or replace it with `--overwrite` (a copy is kept as .bak)
    "#);
    fs::remove_file(dir.join("backend.tf")).expect("removed");
    fs::create_dir(dir.join("backend.conf")).expect("made");
    insta::assert_snapshot!(place.bootstrap(&prod).refusal(), @"
    3
    error: ~/shop/backend.conf is a folder; nothing was changed
      hint: move it away, or choose another name or folder
    ");
    fs::remove_dir(dir.join("backend.conf")).expect("removed");
    fs::write(dir.join("file"), "").expect("written");
    insta::assert_snapshot!(place.bootstrap(&format!("{prod} --out file")).refusal(), @"
    1
    error: ~/shop/file is not a folder
      hint: choose another folder with --dir
    ");
    insta::assert_snapshot!(place.bootstrap(&format!("{prod} --out file/below/it")).refusal(), @"
    1
    error: could not read ~/shop/file/below/it
      caused by: Not a directory (os error 20)
      hint: choose another folder with --dir
    ");
    // Nobody writes there, not even root.
    #[cfg(target_os = "linux")]
    insta::assert_snapshot!(place.bootstrap(&format!("{prod} --out /proc/self/below")).refusal(), @"
    1
    error: could not write to the folder /proc/self
      caused by: entity not found
      hint: choose another folder with --dir
    ");
    let reads = ["Get", "List", "Describe", "Head"];
    let writes = |call: &String| !reads.iter().any(|verb| call.contains(&format!(":{verb}")));
    assert_eq!(
        proxy.take().into_iter().filter(writes).collect::<Vec<_>>(),
        [""; 0],
        "nothing was made"
    );

    let made = place.bootstrap(&prod);
    assert_eq!(made.code, Some(0), "{}", made.all());
    insta::assert_snapshot!(place.bootstrap(&format!("--env test {LINE}")).refusal(), @r#"
    3
    error: ~/shop/backend.conf belongs to the environment prod of project acme in account 000000000000; nothing was changed
      caused by: --- backend.conf
        | +++ backend.conf (tfbackend)
        | @@ -1,11 +1,11 @@
        |  # Written by tfbackend. Change its settings, not this file.
        |  # project: acme
        | -# env: prod
        | +# env: test
        |  # backend: s3, account 000000000000
        | -# sha256: 4be979eff7ef27315107bbdaaed41549f635256c6f70d7d630c48af84d3d029f
        | +# sha256: 0c573cecc8aa83358dc5041d8b6b95daab837a267c0f0bb06dd40f919791c659
        |
        | -# The prod environment of acme, for `terraform init -backend-config=FILE`.
        | -bucket = "acme-tfstate-prod-000000000000-eu-west-1"
        | +# The test environment of acme, for `terraform init -backend-config=FILE`.
        | +bucket = "acme-tfstate-test-000000000000-eu-west-1"
        |  key    = "terraform.tfstate"
        |  region = "eu-west-1"
      hint: `--conf-file '{env}.s3.tfbackend'` keeps one file per environment; `--overwrite` replaces this one (a copy is kept as .bak)
    "#);
    let conf = fs::read_to_string(dir.join("backend.conf")).expect("backend.conf");
    fs::write(
        dir.join("backend.conf"),
        conf.replace("terraform.tfstate", "other.tfstate"),
    )
    .expect("written");
    insta::assert_snapshot!(place.bootstrap(&prod).refusal(), @r#"
    3
    error: ~/shop/backend.conf was changed by hand; nothing was changed
      caused by: --- backend.conf (content of 17 lines not shown)
        | +++ backend.conf (tfbackend)
        | its arguments are the same; comments or layout differ
      hint: move your own arguments to a second file (`init` accepts several `-backend-config`), and replace this one with `--overwrite` (a copy is kept as .bak)
    "#);
    let kept = fs::read_to_string(dir.join("backend.conf")).expect("backend.conf");
    assert!(kept.contains("other.tfstate"));
    assert_eq!(
        emulator.python("tests/it/support/inventory.py", &[]),
        "bucket acme-tfstate-prod-000000000000-eu-west-1\n"
    );

    // What drifted is repaired all the same: the file is the user's, and the backend is what
    // protects states.
    let was_suspended = |expected: bool| {
        let found = emulator.python(
            "tests/it/refusals/versioning.py",
            &["acme-tfstate-prod-000000000000-eu-west-1"],
        );
        assert_eq!(found.trim(), if expected { "Suspended" } else { "Enabled" });
    };
    emulator.python(
        "tests/it/refusals/versioning.py",
        &["acme-tfstate-prod-000000000000-eu-west-1", "Suspended"],
    );
    was_suspended(true);
    let repaired = place.bootstrap(&prod);
    assert_eq!(repaired.code, Some(4), "{}", repaired.all());
    assert!(
        repaired
            .err
            .contains("note: ~/shop/backend.conf was changed by hand, and is not touched"),
        "{}",
        repaired.all()
    );
    assert!(
        repaired.err.contains("its files were not written"),
        "{}",
        repaired.all()
    );
    was_suspended(false);
    assert_eq!(
        fs::read_to_string(dir.join("backend.conf")).expect("backend.conf"),
        kept
    );
    // So it is by a plan that was saved.
    emulator.python(
        "tests/it/refusals/versioning.py",
        &["acme-tfstate-prod-000000000000-eu-west-1", "Suspended"],
    );
    let planned = place.run(
        &[
            &["plan", "--out", "p.plan"],
            &prod.trim_end_matches(" -y").split(' ').collect::<Vec<_>>()[..],
        ]
        .concat(),
    );
    assert_eq!(planned.code, Some(0), "{}", planned.all());
    assert_eq!(place.run(&["bootstrap", "p.plan", "-y"]).code, Some(4));
    was_suspended(false);
    assert_eq!(
        fs::read_to_string(dir.join("backend.conf")).expect("backend.conf"),
        kept
    );

    // The answers are kept before anything is made, or nothing is.
    let beside = format!("--env test {LINE} --out test --save");
    fs::create_dir(dir.join("tfbackend.toml")).expect("made");
    insta::assert_snapshot!(place.bootstrap(&beside).refusal(), @"
    1
    error: cannot read tfbackend.toml
      caused by: it is not a regular file
    ");
    fs::remove_dir(dir.join("tfbackend.toml")).expect("removed");
    fs::write(dir.join("tfbackend.toml"), "env = { dev = {} }\n").expect("written");
    insta::assert_snapshot!(place.bootstrap(&beside).refusal(), @"
    1
    error: cannot add [env.test] to tfbackend.toml; nothing was changed
      caused by: tfbackend.toml:3:2: cannot extend value of type inline table with a dotted key
      hint: continue without it: --save=false
    ");
    assert_eq!(
        emulator.python("tests/it/support/inventory.py", &[]),
        "bucket acme-tfstate-prod-000000000000-eu-west-1\n"
    );
}
