//! The files: their text, what Terraform makes of them, and the folder that they are put into.

use tfbackend::terraform::write::{
    RenderedFile, files,
    s3::{EmulatorEndpoint, S3BackendConfig},
};

pub(crate) mod endpoint;
pub(crate) mod terraform;

mod text;
mod accepted;
mod writing;

/// What is special in HCL, in templates, on a terminal or to a reader: each as a value, and as a
/// piece of one.
pub(crate) const HOSTILE: &[&str] = &[
    "",
    " ",
    "plain",
    "\"",
    "\\",
    "\\\"",
    "\\n",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "\u{1}",
    "\u{1b}[2J",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "\u{202e}",
    "\u{feff}",
    "\u{10ffff}",
    "🦀",
    "e\u{301}",
    "${file(\"/etc/passwd\")}",
    "%{ if true }",
    "$",
    "%",
    "$$",
    "%%",
    "$${x}",
    "$$${x}",
    "$$$${x}",
    "%%{x}",
    "%%%{x}",
    "${",
    "%{",
    "${\"${1}\"}",
    "a ${b} %{c} \"d\" \\e",
    "<<EOT\nx\nEOT",
    "# x",
    "/* */",
    "}\nx = 1",
    "\\u0024{x}",
    "\\${x}",
    "~}",
    "$${",
    "%%{",
    "}",
    "{",
    "\u{2066}",
    "\u{200b}",
    "<<EOT\n",
    "EOT",
    "#",
    "//",
    "/*",
    "*/",
    "=",
    " = ",
    "../",
    "..\\",
    "/",
    "\n}\nprovider \"x\" {",
    "\nbucket = \"theirs\"\n",
    "\\u0024{",
];

/// SSE-KMS and a lock table.
pub(crate) fn config() -> S3BackendConfig {
    S3BackendConfig {
        skips_account: false,
        profile: None,
        role: None,
        project: "acme".into(),
        env: "prod".into(),
        bucket: "acme-tfstate-prod-111122223333-eu-west-1".into(),
        key: "app/terraform.tfstate".into(),
        region: "eu-west-1".into(),
        account: "111122223333".into(),
        kms_key_arn: Some(
            "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-4cd3-9ef5-1234567890ab".into(),
        ),
        dynamodb_table: Some("acme-tfstate-prod-locks".into()),
        use_lockfile: false,
        workspace_key_prefix: "env:".into(),
        emulator: None,
    }
}

pub(crate) fn emulated(endpoint: &str) -> S3BackendConfig {
    let emulator = EmulatorEndpoint {
        endpoint: endpoint.into(),
        ca_file: None,
    };
    S3BackendConfig {
        account: "000000000000".into(),
        emulator: Some(emulator),
        ..config()
    }
}

pub(crate) fn rendered(config: &S3BackendConfig) -> Vec<RenderedFile> {
    files(config, "backend.tf", "backend.conf").expect("the settings make sense")
}

fn text(config: &S3BackendConfig, name: &str) -> String {
    let file = rendered(config).into_iter().find(|file| file.name == name);
    file.expect("there is such a file").text
}
