//! The rows: constructs around a block, and forms of the block itself.

use super::Files;

/// Rows whose value is computed: it is read as no literal.
pub(super) const UNKNOWN: &[&str] = &[
    "conditional",
    "index of an object with equal keys",
    "for expression",
];

/// A block that is text, and must not be found.
const FAKE: &str = "terraform {\n  backend \"local\" {\n    path = \"fake\"\n  }\n}\n";

/// Text at the top of a file, which Terraform takes without any provider.
pub(super) fn constructs() -> Vec<(&'static str, Vec<u8>)> {
    let mut all: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", vec![]),
        ("block in a comment", format!("/*\n{FAKE}*/\n").into()),
        ("block in lines of comments", FAKE.lines().map(|line| format!("# {line}\n// {line}\n")).collect::<String>().into()),
        ("quotes and brackets in comments", b"# it's \" { <<EOT\n// ${ \" [\n/* ' \" { * / ** # // */\n/**/ /***/\n".into()),
        ("comments within a head", b"locals /* { */ { # }\n  x = /* \" */ 1 // \"\n}\n".into()),
        ("comment without a newline at its end", b"locals {}\n# \" {".into()),
        ("latin-1 in comments", b"# f\xfcr alle\n// \xa9 2019 M\xfcller\n/* B\xfccher \xff \xfe */\nlocals {\n  x = 1 # \xe9\n}\n".into()),
        ("control characters in a comment", b"# \x00\x01\x1b[2J\x7f \x0c\n".into()),
        ("carriage returns", b"# a\r\nlocals {\r\n  x = <<EOT\r\n  } \"\r\nEOT\r\n  y = [\r\n    1,\r\n  ]\r\n}\r\n".into()),
        (
            "names of other scripts",
            "variable \"gr\u{f6}\u{df}e\" {\n  default = 1\n}\nlocals {\n  \u{53d8}\u{91cf}-1_a = var.gr\u{f6}\u{df}e\n}\n".into(),
        ),
    ];
    let locals: [(&str, &str); 35] = [
        ("escaped quotes", r#""a \" } { \\\" \\""#),
        ("ends in a backslash", r#""\\""#),
        ("comment signs in a string", r##""# // /* http://x""##),
        ("brackets in a string", r#""}])({[""#),
        ("dollar signs", r#""$ $$ %% % $${x} %%{y} $$${1} $${ " "#),
        ("template", r#""a${ 1 + 2 }b${"c"}""#),
        (
            "nested templates with braces",
            r#""${ { "}" = "${"}" == "{" ? "\"" : "}"}" }["}"] }""#,
        ),
        ("nested templates, deep", r#""${"${"${"${"}{"}"}"}"}""#),
        (
            "template directives",
            r#""%{ if true ~} { %{ else } } %{ endif ~}%{ for x in ["}"] }${x}%{ endfor }""#,
        ),
        ("newlines in an interpolation", "\"${\n  1\n}\""),
        (
            "comments in an interpolation",
            "\"${ 1 # }\"\n /* }\" */ }\"",
        ),
        ("heredoc", "<<EOT\nFAKE \" { ${1} ' /* # //\nEOT"),
        (
            "heredoc with a block",
            "<<EOT\nterraform {\n  backend \"local\" {\n    path = \"fake\"\n  }\n}\nEOT",
        ),
        ("indented heredoc", "<<-EOT\n    a }\n      b \"\n    EOT"),
        (
            "delimiter that is indented without the dash",
            "<<EOT\na }\n\t  EOT \t",
        ),
        (
            "delimiter with something behind it",
            "<<EOF\ntool << EOF\n}\nEOF\"\nEOF )\nEOF;\nEOF # c\nEOF x\nEOFX\nXEOF\n EOF}\nEOF",
        ),
        (
            "delimiter with other signs",
            "<<END-OF_it2\n}\nEND\nEND-OF_it2",
        ),
        (
            "delimiter of another script",
            "<<\u{e9}nd\n}\n\u{e9}n\n\u{e9}nd",
        ),
        (
            "delimiter after a space that does not break",
            "<<EOT\n}\n\u{a0}EOT\u{2003}",
        ),
        (
            "delimiter in an interpolated line",
            "<<EOT\n${\"a\"}EOT\n ${\"\"} EOT\nEOT",
        ),
        ("empty heredoc", "<<EOT\nEOT"),
        (
            "heredoc of directives",
            "<<EOT\n%{ for x in [1] ~}\n  \" { $${ %%{ ${x} }\n%{ endfor ~}\n$ % $$ %%\nEOT",
        ),
        ("heredoc in an interpolation", "\"${<<EOT\n}\"\nEOT\n}\""),
        (
            "heredoc in a heredoc",
            "<<OUT\n${<<IN\n} OUT\nOUT\nIN\n}\nOUT",
        ),
        (
            "heredocs in a list and a call",
            "[<<A\n]\nA\n, join(\"\", [<<-B\n  )\n  B\n])]",
        ),
        (
            "multi-line conditional in an object for",
            "{\n    for k in [\"a\", \"b\"] :\n    k => k == \"a\"\n    ? \"}\"\n    : \"{\"\n  }",
        ),
        (
            "operators at the ends of lines",
            "{\n    for k in [1, 2] :\n    \"${k}\" =>\n    k +\n    1\n    if k\n    != 3\n  }",
        ),
        (
            "equal keys in an object",
            "{\n    Name = 1\n    \"Name\" = 2\n    Name = 3\n    (\"Name\") : 4, \"${\"Name\"}\" \
             = 5,\n  }",
        ),
        ("grouping for", "{ for k in [1, 1] : k => k... }"),
        (
            "function of a provider",
            "[for x in [1] : x == 2 ? provider::acme::parse({ a = x }).b : null]",
        ),
        (
            "conditional in parentheses",
            "(true\n    ? [\n      1\n    ]\n    : [])",
        ),
        (
            "keys that are block names",
            "{ terraform = { backend = \"local\" }, cloud = { (\"backend\") = 1 } }",
        ),
        ("splat and index", "[[{ a = 1 }][*].a, [[1]].0[0], [1][0]]"),
        (
            "comparisons",
            "[1 <= 2, 1 >= 2, 1 == 2, 1 != 2, !true, -1, 1 < 2]",
        ),
        ("numbers", "[1e10, 1.5E-3, 123456789012345678901234567890]"),
    ];
    all.extend(locals.map(|(name, value)| {
        (
            name,
            format!("locals {{\n  x = {value}\n  backend = 1\n}}\n").into_bytes(),
        )
    }));
    all.extend([
        ("many brackets", format!("locals {{\n  x = {}1{}\n}}\n", "[".repeat(300), "]".repeat(300)).into_bytes()),
        ("six mebibytes", [b"# backend cloud ".repeat(1 << 18), b"\n".to_vec(), b"# \xfc { \"\n".repeat(1 << 18)].concat()),
        (
            "blocks of these names elsewhere",
            b"output \"backend\" {\n  value = \"terraform\"\n}\nlocals {\n  terraform = { cloud = 1 }\n}\n".into(),
        ),
        (
            "other terraform blocks",
            b"terraform { required_version = \">= 1.0\" }\nterraform {\n}\nterraform {\n  required_version = \"> 0\"\n}\n".into(),
        ),
        ("one-line blocks", b"variable \"backend\" { type = object({ cloud = string }) }\noutput \"b\" { value = 1 }\nlocals {}\n".into()),
    ]);
    all
}

/// Every character of which Unicode composes something, or that goes with others, with marks in the
/// wrong order behind it.
pub(super) fn with_marks() -> String {
    // Beyond, the library of Terraform composes what Unicode does not
    // (golang.org/x/text/unicode/norm cuts off the plane).
    let ranges = [
        0xa0..=0x33ff,
        0xa000..=0xac3f,
        0xd780..=0xd7ff,
        0xf900..=0xfdcf,
        0xfe00..=0xffef,
    ];
    let characters = ranges.into_iter().flatten().filter_map(char::from_u32);
    characters
        .map(|c| format!("a{c}\u{301}\u{323}\u{338}e{c}\u{11a8}|"))
        .collect()
}

/// Whole folders with a `local` backend, or with none.
pub(super) fn blocks() -> Vec<(&'static str, Files)> {
    let hcl = |body: &[u8]| {
        vec![(
            "main.tf".to_owned(),
            [
                b"terraform {\n  backend \"local\" {\n".as_slice(),
                body,
                b"\n  }\n}\n",
            ]
            .concat(),
        )]
    };
    let tf = |text: &str| vec![("main.tf".to_owned(), text.as_bytes().to_vec())];
    let json = |text: &[u8]| vec![("main.tf.json".to_owned(), text.to_vec())];
    let overridden = |name: &str, text: &str| {
        let first = (
            "main.tf".to_owned(),
            b"terraform {\n  backend \"local\" {\n    path = \"a\"\n  }\n}\n".to_vec(),
        );
        vec![first, (name.to_owned(), text.as_bytes().to_vec())]
    };
    vec![
        ("no arguments", hcl(b"")),
        ("null", hcl(b"path = null")),
        ("escapes", hcl(br#"path = "a\"b \\ \u00e9 \U0001F600 $${x} %%{y} }""#)),
        ("heredoc", hcl(b"path = <<EOT\na }\nEOT")),
        ("comments in every place", hcl(b"/* a */ path /* } */ = /* \xfc\n */ \"p\" # \xe9 }\n// workspace_dir = \"x\"")),
        ("carriage returns", hcl(b"path = \"p\" # x\r\n\r\n")),
        ("decomposed text", hcl("path = \"gro\u{308}\u{df}e/\u{1100}\u{1161}\u{11a8}\"".as_bytes())),
        ("parentheses", hcl(b"path = (\n\"p\"\n)")),
        ("conditional", hcl(b"path = 1 == 1 ? \"a\" : \"b\"")),
        ("index of an object with equal keys", hcl(b"path = { a = \"x\", a = \"y\" }.a")),
        ("for expression", hcl(b"path = [for x in [\"q\"] : x][0]")),
        ("head without spaces", tf("terraform{\nbackend\"local\"{\npath=\"p\"\n}\n}")),
        ("body in one line", tf("terraform {\n  backend \"local\" { path = \"p\" }\n}\n")),
        ("label without quotes", tf("terraform {\n  backend local {\n    path = \"p\"\n  }\n}\n")),
        ("comments in the head", tf("terraform /* x { */ { # {\n  backend /* { */ \"local\" /* \" */ { // }\n    path = \"p\"\n  }\n}\n")),
        ("byte order mark", tf("\u{feff}terraform {\n  backend \"local\" {\n    path = \"p\"\n  }\n}\n")),
        (
            "beside other blocks",
            tf(concat!(
                "terraform {\n  required_version = \">= 1.0\"\n  required_providers {\n  }\n  backend \"local\" {\n    path = \"p\"\n  }\n",
                "}\nterraform {\n}\n"
            )),
        ),
        ("override of another body", overridden("main_override.tf", "terraform {\n  backend \"local\" {\n    path = \"b\"\n  }\n}\n")),
        ("override of nothing", overridden("override.tf", "terraform {\n  required_version = \"> 0\"\n}\n")),
        ("override in JSON", overridden("override.tf.json", r#"{"terraform": {"backend": {"local": {"path": "c"}}}}"#)),
        ("files that are not loaded", overridden(".b.tf", "terraform {\n  backend \"local\" {}\n}\n")),
        ("files of OpenTofu beside", overridden("README.md", "terraform {")),
        ("json: plain", json(br#"{"terraform": {"backend": {"local": {"path": "p"}}}}"#)),
        ("json: list at the top", json(br#"[{"terraform": {"backend": {"local": {"path": "p"}}}}]"#)),
        ("json: lists at each level", json(br#"{"terraform": [{"backend": [{"local": [{"path": "p"}]}]}]}"#)),
        ("json: lists of lists", json(br#"{"terraform": [[{"backend": {"local": [[{"path": "p"}, {}]]}}]]}"#)),
        ("json: a name twice", json(br#"{"terraform": {"backend": {"local": {"path": "p"}}}, "terraform": {"required_version": "> 0"}}"#)),
        (
            "json: a name twice, last first",
            json(br#"{"terraform": {"required_version": "> 0"}, "terraform": {"backend": {"local": {"path": "p"}}}}"#),
        ),
        ("json: null", json(br#"{"terraform": {"backend": {"local": null}}}"#)),
        ("json: null beside", json(br#"{"terraform": {"backend": [{"local": {"path": "p"}}, {"local": null}], "cloud": null}}"#)),
        ("json: list of null", json(br#"{"terraform": {"backend": {"local": [null]}}}"#)),
        ("json: terraform is null", json(br#"{"terraform": null}"#)),
        ("json: comments", json(br#"{"//": "x", "terraform": {"//": ["x"], "backend": {"local": {"//": 1, "path": "p"}}}}"#)),
        ("json: escaped names", json(br#"{"terraf\u006frm": {"b\u0061ckend": {"local": {"path": "\u0070"}}}}"#)),
        (
            "json: what is no number or text elsewhere",
            json(br#"{"locals": {"x": 1e999, "y": "\ud800"}, "terraform": {"backend": {"local": {"path": "p"}}}}"#),
        ),
        ("json: latin-1", json(b"{\"locals\": {\"x\": \"\xfc\"}, \"terraform\": {\"backend\": {\"local\": {\"path\": \"\xfc\"}}}}")),
        (
            "json: halves of pairs",
            json(br#"{"terraform": {"backend": {"local": {"path": "a\ud800b\udc00\\ud800\ud83d\ude00\ud800\ud83d\ude00\uD800\u0041"}}}}"#),
        ),
        ("json: cut characters", json(b"{\"terraform\": {\"backend\": {\"local\": {\"path\": \"a\xe2\x82d\xf0\x9f\x98e\xed\xa0\x80\"}}}}")),
        (
            "json: deep elsewhere",
            json(
                format!(
                    "{{\"locals\": {{\"x\": {}1{}}}, \"terraform\": {{\"backend\": {{\"local\": {{\"path\": \"p\"}}}}}}}}",
                    "[".repeat(300),
                    "]".repeat(300)
                )
                .as_bytes(),
            ),
        ),
    ]
}

/// What Terraform refuses, and what is said of it.
pub(super) const REFUSED: &[(&[u8], &str)] = &[
    (
        b"terraform {\n  backend \"local\" {\n    path = \"a\n  }\n}\n",
        "is not valid HCL at line 3, column 12",
    ),
    (
        b"terraform {\n  backend \"local\" {\n    path = <<EOT\na\n  }\n}\n",
        "is not valid HCL at line 3, column 12",
    ),
    (
        b"terraform {\n  backend \"local\" {\n    path =\n  }\n}\n",
        "is not valid HCL at line 3, column 11",
    ),
    (
        b"terraform {\n  backend \"local\" {\n}\n",
        "is not valid HCL at line 1, column 11",
    ),
    (
        b"terraform {\n  backend \"local\" {\n    path = \"\xfc\"\n  }\n}\n",
        "is not valid UTF-8 at line 3",
    ),
    (
        b"terraform {\n  backend \"local\" {\n  }\n}\n/* x",
        "is not valid HCL at line 5, column 1",
    ),
    (
        b"terraform {\n  backend \"local\" {\n  }\n}\nlocals {\n  x = [}\n",
        "is not valid HCL at line 6, column 8",
    ),
    (
        b"\"terraform\" {\n  backend \"local\" {\n  }\n}\n",
        "is not valid HCL at line 1, column 1",
    ),
];
