//! Only the argument is edited: formatting, comments and all else stay to the byte.

use proptest::prelude::*;

use super::*;
use crate::terraform::write::header::{HeaderOwner, stamp};

const BLOCK: &str = r#"# The backend of the shop.
terraform {
  required_version = ">= 1.5" // as of today

  backend "s3" {
    bucket         = "states"   # never rename
    key            = "shop/terraform.tfstate"

    # Locks: ask ops first
    dynamodb_table = "locks" # since 2019
    region         = "eu-west-1"
    endpoints = {
      s3 = "http://localhost"
    }
  }
}
resource "x" "y" { bucket = "states" }
"#;

const WANTED: WantedArguments<'_> = WantedArguments {
    bucket: "states",
    table: Some("locks"),
    use_table: true,
    use_file: true,
};
const FILES: WantedArguments<'_> = WantedArguments {
    use_table: false,
    ..WANTED
};
const TABLES: WantedArguments<'_> = WantedArguments {
    use_file: false,
    ..WANTED
};

#[track_caller]
fn edited(text: &str, form: ArgumentForm, wanted: &WantedArguments<'_>) -> String {
    match edit(text, form, wanted) {
        LockEdit::Edited(text) => text,
        other => panic!("{other:?}"),
    }
}

/// The lines that are only in one of them.
fn difference(before: &str, after: &str) -> String {
    let patch = diffy::create_patch(before, after);
    let lines = patch.hunks().iter().flat_map(|hunk| hunk.lines());
    lines
        .filter_map(|line| match line {
            diffy::Line::Context(_) => None,
            diffy::Line::Delete(text) => Some(format!("-{text}")),
            diffy::Line::Insert(text) => Some(format!("+{text}")),
        })
        .collect()
}

/// What Terraform takes around the block, the parser need not.
#[test]
fn what_is_around_the_block_does_not_matter() {
    let around = "locals {\n  x = { for k in [1] :\n    k => k == 1\n    ? 1\n    : 2 }\n  y = { \
                  a = 1, a = 2 }\n  z = <<EOF\nEOF\"\nbackend \"s3\" {\nEOF\n}\n";
    let text = format!("{around}/* \u{e9} */ {BLOCK}{around}");
    let both = edited(&text, ArgumentForm::Configuration, &WANTED);
    assert_eq!(difference(&text, &both), "+    use_lockfile   = true\n");
    let said = read(&both, ArgumentForm::Configuration);
    let expected = LockArguments {
        bucket: Some("states".to_owned()),
        table: Some("locks".to_owned()),
        use_file: Some(true),
    };
    assert_eq!(said, [expected]);
    assert_eq!(
        edit(around, ArgumentForm::Configuration, &WANTED),
        LockEdit::NotOurs
    );
}

#[test]
fn one_line_of_a_block_and_no_other() {
    let both = edited(BLOCK, ArgumentForm::Configuration, &WANTED);
    assert_eq!(difference(BLOCK, &both), "+    use_lockfile   = true\n");
    assert_eq!(
        edit(&both, ArgumentForm::Configuration, &WANTED),
        LockEdit::Current,
        "twice is once"
    );
    let files = edited(&both, ArgumentForm::Configuration, &FILES);
    assert_eq!(
        difference(&both, &files),
        "-    dynamodb_table = \"locks\" # since 2019\n"
    );
    assert!(
        files.contains("# Locks: ask ops first\n    use_lockfile   = true\n"),
        "the comment above stays: {files}"
    );
    // And back again.
    let again = edited(&files, ArgumentForm::Configuration, &WANTED);
    assert_eq!(
        difference(&files, &again),
        "+    dynamodb_table = \"locks\"\n"
    );
    let tables = edited(&again, ArgumentForm::Configuration, &TABLES);
    assert_eq!(difference(&again, &tables), "-    use_lockfile   = true\n");
    assert_eq!(
        edit(BLOCK, ArgumentForm::Configuration, &TABLES),
        LockEdit::Current
    );
}

#[test]
fn a_value_that_is_there_is_replaced() {
    let off = BLOCK.replace("    region ", "    use_lockfile=false\n    region ");
    assert_eq!(
        difference(&off, &edited(&off, ArgumentForm::Configuration, &WANTED)),
        "-    use_lockfile=false\n+    use_lockfile=true\n"
    );
    assert_eq!(
        edit(&off, ArgumentForm::Configuration, &TABLES),
        LockEdit::Current,
        "false is as good as not said"
    );
    let text = off.replace("false", "\"true\"");
    assert_eq!(
        edit(&text, ArgumentForm::Configuration, &WANTED),
        LockEdit::Current,
        "Terraform takes the text for the value"
    );
}

#[test]
fn a_partial_configuration() {
    for (text, both) in [
        (
            "bucket = \"states\"\ndynamodb_table = \"locks\"\n",
            "bucket = \"states\"\ndynamodb_table = \"locks\"\nuse_lockfile   = true\n",
        ),
        (
            "dynamodb_table = \"locks\"",
            "dynamodb_table = \"locks\"\nuse_lockfile   = true",
        ),
        (
            "bucket=\"states\"\r\ndynamodb_table=\"locks\"\r\n",
            "bucket=\"states\"\r\ndynamodb_table=\"locks\"\r\nuse_lockfile = true\r\n",
        ),
        (
            "bucket = \"states\"\nkey    = \"a\"\n",
            "bucket = \"states\"\nkey    = \"a\"\nuse_lockfile = true\ndynamodb_table = \
             \"locks\"\n",
        ),
        (
            "\tdynamodb_table = \"locks\"\n",
            "\tdynamodb_table = \"locks\"\n\tuse_lockfile   = true\n",
        ),
    ] {
        assert_eq!(edited(text, ArgumentForm::Partial, &WANTED), both);
        assert_eq!(
            edit(both, ArgumentForm::Partial, &WANTED),
            LockEdit::Current,
            "{both:?}"
        );
    }
}

#[test]
fn what_is_about_another_backend_stays() {
    for text in [
        "",
        "key = \"a\"\n",
        "bucket = \"others\"\ndynamodb_table = \"locks\"\n",
        "dynamodb_table = \"others\"\n",
        "region = \"eu-west-1\"\nencrypt = true\n",
    ] {
        assert_eq!(
            edit(text, ArgumentForm::Partial, &WANTED),
            LockEdit::NotOurs,
            "{text:?}"
        );
    }
    for text in [
        "terraform {\n  backend \"s3\" {}\n}\n",
        "terraform {\n  backend \"gcs\" {\n    bucket = \"states\"\n  }\n}\n",
        "resource \"a\" \"b\" {\n  bucket         = \"states\"\n  dynamodb_table = \"locks\"\n}\n",
        "backend \"s3\" {\n  bucket = \"states\"\n}\n",
    ] {
        assert_eq!(
            edit(text, ArgumentForm::Configuration, &WANTED),
            LockEdit::NotOurs,
            "{text:?}"
        );
    }
}

#[test]
fn what_cannot_be_edited_is_left_to_a_person() {
    for (text, why) in [
        (
            "bucket = var.bucket\n",
            "`bucket` is not a literal value there",
        ),
        (
            "bucket = \"states\"\ndynamodb_table = local.table\n",
            "`dynamodb_table` is not a literal value there",
        ),
        (
            "bucket = \"states\"\ndynamodb_table = \"others\"\n",
            "`dynamodb_table` names \"others\" there, not \"locks\"",
        ),
        (
            "use_lockfile = false\n",
            "`use_lockfile` is set there without a bucket",
        ),
        (
            "bucket = \"states\" # s3cret\nbucket =\n",
            "is not valid HCL at line 2, column 9",
        ),
    ] {
        assert_eq!(
            edit(text, ArgumentForm::Partial, &WANTED),
            LockEdit::ByHand(why.to_owned()),
            "{text:?}"
        );
    }
    let one_line = "terraform {\n  backend \"s3\" { bucket = \"states\" }\n}\n";
    assert!(matches!(
        edit(one_line, ArgumentForm::Configuration, &WANTED),
        LockEdit::ByHand(_)
    ));
    let heredoc = "bucket = \"states\"\ndynamodb_table = <<X\nlocks\nX\n";
    assert!(!matches!(
        edit(heredoc, ArgumentForm::Partial, &FILES),
        LockEdit::Edited(_)
    ));
}

/// What Terraform takes is not called wrong.
#[test]
fn what_is_not_parsed_here_may_be_right() {
    let text = "bucket = \"states\"\ndynamodb_table = \"locks\"\nendpoints = { a = 1, a = 2 }\n";
    let why = "has syntax at line 3, column 22 that cannot be edited safely";
    assert_eq!(
        edit(text, ArgumentForm::Partial, &FILES),
        LockEdit::ByHand(why.to_owned())
    );
    let block = format!("terraform {{\nbackend \"s3\" {{\n{text}}}\n}}\n");
    assert_eq!(
        edit(&block, ArgumentForm::Configuration, &FILES),
        LockEdit::ByHand(why.replace("line 3", "line 5"))
    );
    assert_eq!(
        edit("bucket =\n", ArgumentForm::Partial, &FILES),
        LockEdit::ByHand("is not valid HCL at line 1, column 9".to_owned())
    );
}

/// To Terraform, there is no table then.
#[test]
fn null_and_an_empty_name_are_no_table() {
    for none in ["null", "\"\""] {
        let text = format!("bucket = \"states\"\ndynamodb_table = {none}\nuse_lockfile = true\n");
        assert_eq!(read(&text, ArgumentForm::Partial)[0].table, None, "{none}");
        assert_eq!(
            edited(&text, ArgumentForm::Partial, &WANTED),
            text.replace(none, "\"locks\"")
        );
        assert_eq!(
            edited(&text, ArgumentForm::Partial, &FILES),
            "bucket = \"states\"\nuse_lockfile = true\n"
        );
    }
}

/// Otherwise the next `bootstrap` would treat it as changed by hand.
#[test]
fn a_file_of_ours_stays_ours() {
    let owner = HeaderOwner {
        project: "acme".to_owned(),
        env: "prod".to_owned(),
        kind: crate::kind::BackendKind::S3,
        place: "123456789012".to_owned(),
        emulated: false,
    };
    let ours = stamp(
        Some(&owner),
        "bucket         = \"states\"\ndynamodb_table = \"locks\"\n",
    );
    let both = edited(&ours, ArgumentForm::Partial, &WANTED);
    assert_eq!(header::read(&both), FileHeader::Intact(Some(owner.clone())));
    assert_eq!(
        both,
        stamp(
            Some(&owner),
            "bucket         = \"states\"\ndynamodb_table = \"locks\"\nuse_lockfile   = true\n"
        )
    );
    let changed = ours.replace("states\"", "states\" #");
    assert_eq!(
        header::read(&edited(&changed, ArgumentForm::Partial, &WANTED)),
        FileHeader::Changed,
        "what a hand changed stays so"
    );
}

proptest! {
    /// Whatever the spaces and comments: there and back again is what it was.
    #[test]
    fn there_and_back_again(
        indent in "[ \t]{0,4}", pad in " {0,3}", comment in "( #[ -~]{0,10}| //[a-z ${}\"]{0,9})?", blank in "\n{0,2}", crlf: bool,
    ) {
        let text = format!("{indent}bucket{pad}= \"states\"{comment}\n{blank}{indent}dynamodb_table{pad}= \"locks\"{comment}\n{indent}key = \"a\"");
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let LockEdit::Edited(both) = edit(&text, ArgumentForm::Partial, &WANTED) else { panic!("{text:?}") };
        prop_assert_eq!(edit(&both, ArgumentForm::Partial, &TABLES), LockEdit::Edited(text.clone()));
        let LockEdit::Edited(files) = edit(&both, ArgumentForm::Partial, &FILES) else { panic!("{both:?}") };
        prop_assert!(!files.contains("dynamodb_table") && files.contains("use_lockfile"));
    }

    #[test]
    fn no_text_makes_it_panic(text in "([a-z_]{1,14} ?= ?(true|\"[a-z$\\{\\}]{0,5}\"|\\[1,2\\]|\\{\\})|terraform \\{|backend \"s3\" \\{|\\}|#|/\\*|\\*/|\r|\n|dynamodb_table=\"locks\"|bucket=\"states\"){0,12}") {
        for form in [ArgumentForm::Configuration, ArgumentForm::Partial] {
            for wanted in [WANTED, FILES, TABLES] {
                if let LockEdit::Edited(after) = edit(&text, form, &wanted) {
                    let again = edit(&after, form, &wanted);
                    // Of one that never said which bucket, what is left is as good as another's.
                    let done = again == LockEdit::Current || (again == LockEdit::NotOurs && !wanted.use_table);
                    prop_assert!(done, "{:?}: {:?}", after, again);
                }
            }
        }
    }
}
