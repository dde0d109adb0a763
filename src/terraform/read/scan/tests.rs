//! Where blocks are found, and what their arguments are; `tests/it/working_directory/corpus.rs`
//! asks Terraform the same.

use std::path::Path;

use super::*;
use crate::terraform::read::value::ArgumentValue;

/// Name, label, line and arguments of each block.
fn found(text: &[u8]) -> Vec<String> {
    let shown = |block: &FoundBlock| {
        let arguments = block
            .body
            .arguments(text, Path::new("x.tf"))
            .expect("arguments");
        let arguments = arguments.iter().map(|argument| {
            let value = argument
                .value
                .as_text()
                .map_or_else(|| format!("{:?}", argument.value), str::to_owned);
            format!(
                " {}:{}={value}",
                argument.at.line.expect("a line"),
                argument.name
            )
        });
        format!(
            "{} {} {}{}",
            block.name,
            block.label(text),
            block.line(text),
            arguments.collect::<String>()
        )
    };
    scan(text).expect("HCL").blocks.iter().map(shown).collect()
}

fn place(text: &str) -> String {
    let malformed = scan(text.as_bytes()).expect_err("no HCL");
    error(text.as_bytes(), malformed).replace("is not valid HCL at line ", "")
}

#[test]
fn blocks_of_the_three_names_are_found_within_terraform_only() {
    let text = b"terraform {\n  required_version = \">= 1\"\n\n  backend \"s3\" {\n    bucket = \"b\"\n  }\n}\nbackend \"a\" {}\nx \"y\" {\n  \
        terraform {\n    cloud {\n    }\n  }\n}\nterraform \"labelled\" {\n  cloud {}\n}\nterraform {\n  cloud {}\n  state_store aws_s3 {}\n}\n";
    assert_eq!(
        found(text),
        [
            "backend s3 4 5:bucket=b",
            "cloud  19",
            "state_store aws_s3 20"
        ]
    );
    assert_eq!(
        found(b"terraform{backend\"lo\\u0063al\"{key=\"k\"}}"),
        ["backend local 1 1:key=k"]
    );
}

#[test]
fn arguments_are_parsed_each_by_itself() {
    let text = b"terraform {\n  backend \"s3\" {\n    # caf\xe9 }\n    bucket = /* \n */ \"b\" // \xff\n    tags = {\n      a = 1\n      a = 2\n    }\n    \
        key = <<EOT\nk\nEOT\n    assume_role {\n      role_arn = \"r\"\n    }\n    region = \"r\"\n  }\n}\n";
    assert_eq!(
        found(text),
        [concat!(
            "backend s3 2 4:bucket=b 6:tags=NotLiteral 10:key=k\n \
             13:assume_role=Object({\"role_arn\": Text(\"r\")})",
            " 16:region=r"
        )]
    );
}

#[test]
fn what_is_not_text_is_refused_where_terraform_refuses_it() {
    let text = b"terraform {\n  backend \"s3\" {\n    bucket = \"\xfc\"\n  }\n}\n";
    let scan = scan(text).expect("HCL");
    let error = scan.blocks[0]
        .body
        .arguments(text, Path::new("x.tf"))
        .expect_err("no text");
    assert_eq!(error.error, "is not valid UTF-8 at line 3");
    let many = format!(
        "terraform {{\n  backend \"s3\" {{\n{}  }}\n}}\n",
        "    a = 1\n".repeat(value::MOST + 1)
    );
    let scan = super::scan(many.as_bytes()).expect("HCL");
    assert!(
        scan.blocks[0]
            .body
            .arguments(many.as_bytes(), Path::new("x.tf"))
            .is_err()
    );
}

#[test]
fn an_error_names_what_was_begun() {
    for (text, expected) in [
        ("locals {\n  x = \"a\n}\n", "2, column 7"),
        ("locals {\n  x = <<EOT\n}\n", "2, column 7"),
        ("locals {\n  x = [\n}\n", "3, column 1"),
        ("locals {\n  x = {\n", "2, column 7"),
        ("a = \"${\"", "1, column 8"),
        ("/* x", "1, column 1"),
        ("terraform {\n  cloud {\n", "2, column 9"),
        ("terraform {\n", "1, column 11"),
        ("terraform {\n  cloud {\n    x =\n  }\n}\n", "3, column 8"),
        ("x y\n", "1, column 4"),
        ("\u{e9} \"\u{e9}\" }", "1, column 7"),
        ("}", "1, column 1"),
        ("a = 1)", "1, column 6"),
    ] {
        assert_eq!(place(text), expected, "{text}");
    }
}

#[test]
fn the_rest_of_a_text_is_blanked_to_the_byte() {
    let text = "# \u{e9}\nlocals {\n}\nterraform { # {\n  required_version = \"1\"\n  backend \
                \"s3\" { /* } */\n    key = \"\u{e9}\" # k\n  }\n}\nx {\n}\n";
    let only = scan(text.as_bytes())
        .expect("HCL")
        .only_blocks(text)
        .expect("all of it");
    assert_eq!(only.len(), text.len());
    let lines: Vec<&str> = only.lines().map(str::trim_end).collect();
    assert_eq!(
        lines,
        [
            "",
            "",
            "",
            "terraform {",
            "",
            "  backend \"s3\" {",
            "    key = \"\u{e9}\"",
            "  }",
            "}",
            "",
            ""
        ]
    );
    let without = "locals {\n}\nterraform {\n}\n";
    assert_eq!(
        scan(without.as_bytes())
            .expect("HCL")
            .only_blocks(without)
            .as_deref()
            .map(str::trim),
        Some("")
    );
}

/// However large a file is, what is kept of it is not.
#[test]
fn what_is_too_long_is_no_literal_and_not_kept() {
    let of = |body: &str| format!("terraform {{\n  backend \"s3\" {{\n{body}\n  }}\n}}\n");
    let long = |item: &str| item.repeat(LONGEST / item.len() + 1);
    for large in [
        format!("    tags = [\n{}]", long("1,\n")),
        format!("    tags = \"{}\"", long("x")),
        format!("    tags {}{{}}", long("\"x\" ")),
        format!("    tags {{\n{}}}", long("a=1\n")),
        format!("    tags = /* {} */ 1", long("x")),
    ] {
        let text = of(&format!("    bucket = \"b\"\n{large}\n    key = \"k\""));
        let scan = scan(text.as_bytes()).expect("HCL");
        let arguments = scan.blocks[0]
            .body
            .arguments(text.as_bytes(), Path::new("x.tf"))
            .expect("arguments");
        let shown: Vec<_> = arguments
            .iter()
            .map(|one| (one.name.as_str(), &one.value, one.at.line))
            .collect();
        let (bucket, key) = (
            ArgumentValue::Text("b".to_owned()),
            ArgumentValue::Text("k".to_owned()),
        );
        let lines = text
            .lines()
            .position(|line| line.contains("key ="))
            .map(|line| line + 1);
        assert_eq!(
            shown,
            [
                ("bucket", &bucket, Some(3)),
                ("tags", &ArgumentValue::NotLiteral, Some(4)),
                ("key", &key, lines)
            ]
        );
        assert_eq!((scan.only_blocks(&text), scan.tokens.len()), (None, 0));
    }
    // What is between arguments is none of them.
    let spaced = of(&format!(
        "    bucket = \"b\"\n{}    key = \"k\"{}",
        long("# x\n"),
        long(" ")
    ));
    assert!(
        scan(spaced.as_bytes())
            .expect("HCL")
            .only_blocks(&spaced)
            .is_some()
    );
    // All of them together, and blocks without end.
    let many = of(&format!("    a = \"{}\"\n", "x".repeat(LONGEST / 2)).repeat(20));
    let scanned = scan(many.as_bytes()).expect("HCL");
    let arguments = scanned.blocks[0]
        .body
        .arguments(many.as_bytes(), Path::new("x.tf"))
        .expect("arguments");
    assert_eq!(
        arguments
            .iter()
            .filter(|argument| argument.value != ArgumentValue::NotLiteral)
            .count(),
        2 * MOST_BYTES / LONGEST - 1
    );
    for (many, blocks) in [
        ("cloud {}\n", MOST_BLOCKS),
        ("required_version = 1\n", 0),
        ("cloud { x = [1] }\n", MOST_BLOCKS),
    ] {
        let text = format!("terraform {{\n{}}}\n", many.repeat(20_000));
        let scan = scan(text.as_bytes()).expect("HCL");
        assert_eq!((scan.blocks.len(), scan.tokens.len()), (blocks, 0));
        assert!(scan.required_versions.items.len() <= MOST_BLOCKS);
    }
    let items = of(&"a=1\n".repeat(20_000));
    let scan = scan(items.as_bytes()).expect("HCL");
    assert_eq!(
        (scan.blocks[0].body.items.len(), scan.tokens.len()),
        (value::MOST + 1, 0)
    );
    let label = format!("terraform {{\n  backend \"{}\" {{}}\n}}\n", long("x"));
    assert_eq!(found(label.as_bytes()), ["backend  2"]);
}

#[test]
fn nesting_has_no_limit_and_takes_no_stack() {
    let deep = |open: &str, close: &str| {
        format!(
            "locals {{\n  x = {}1{}\n}}\n",
            open.repeat(200_000),
            close.repeat(200_000)
        )
    };
    for text in [
        deep("[", "]"),
        deep("{a=", "}"),
        deep("\"${", "}\""),
        deep("(", ")"),
    ] {
        assert_eq!(found(text.as_bytes()), [""; 0]);
    }
    for open in ["[", "\"${"] {
        let text = format!("x = {}", open.repeat(DEEPEST + 9));
        assert!(scan(text.as_bytes()).expect_err("too deep").at < text.len() - 1);
    }
}

#[test]
fn partial_configuration_is_the_body_itself() {
    let text = b"\n# \xfc\nbucket = \"b\"\nassume_role = {\n  a = 1\n}";
    let body = partial(text).expect("HCL");
    let arguments = body.arguments(text, Path::new("x")).expect("arguments");
    assert_eq!(
        arguments
            .iter()
            .map(|argument| argument.at.line)
            .collect::<Vec<_>>(),
        [Some(3), Some(4)]
    );
    let block = b"terraform = 1\nbackend \"s3\" {}\n";
    assert!(
        partial(block).expect("HCL").has_block(block, &["backend"])
            && !partial(block)
                .expect("HCL")
                .has_block(block, &["terraform"])
    );
    assert!(partial(b"a = 1\n}").is_err());
}
