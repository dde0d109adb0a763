//! Replaces the block that chooses the backend in a file of the user: no other byte changes.

use super::header::{self, FileHeader};
use crate::terraform::read::scan;

/// A whole block, as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BackendBlock {
    /// The label, as in `backend "s3"`.
    pub label: &'static str,
    /// Its arguments as HCL, one on each line, not indented.
    pub arguments: String,
}

impl BackendBlock {
    /// With comments first; `indent` is before each line but the first.
    fn text(&self, comments: &[&str], indent: &str) -> String {
        let lines = comments.iter().copied().chain(self.arguments.lines());
        let lines: String = lines
            .map(|line| match line {
                "" => "\n".to_owned(),
                line => format!("{indent}  {line}\n"),
            })
            .collect();
        format!("backend \"{}\" {{\n{lines}{indent}}}", self.label)
    }

    /// The block in a `terraform` block.
    pub(crate) fn to_configuration(&self) -> String {
        format!("terraform {{\n  {}\n}}\n", self.text(&[], "  "))
    }

    /// The text with this block in place of the only one that chooses a backend. Comments within
    /// that block stay. A file that tfbackend wrote is written anew, and is no longer one that
    /// follows the settings.
    ///
    /// # Errors
    /// Why the user has to make the edit.
    pub(crate) fn put_into(&self, text: &str) -> Result<String, String> {
        if matches!(header::read(text), FileHeader::Intact(_)) {
            return Ok(self.to_configuration());
        }
        let found = scan::scan(text.as_bytes())
            .map_err(|malformed| scan::error(text.as_bytes(), malformed))?;
        let [block] = &found.blocks[..] else {
            return Err("does not have one block that chooses a backend".to_owned());
        };
        let place = block.place();
        let start = text[..place.start].rfind('\n').map_or(0, |at| at + 1);
        let (indent, old) = (&text[start..place.start], &text[place.clone()]);
        if !indent.trim().is_empty() {
            return Err("has a backend block that does not begin its line".to_owned());
        }
        let comments = comments(old)
            .ok_or("has a comment or a text in its backend block that cannot be kept")?;
        let mut new = self.text(&comments, indent);
        if text.contains("\r\n") {
            new = new.replace('\n', "\r\n");
        }
        let edited = [&text[..place.start], &new, &text[place.end..]].concat();
        let is_read_back = scan::scan(edited.as_bytes()).is_ok_and(|found| {
            matches!(&found.blocks[..], [block] if block.label(edited.as_bytes()) == self.label)
        });
        if is_read_back {
            Ok(edited)
        } else {
            Err("has syntax that cannot be edited safely".to_owned())
        }
    }
}

/// The comments of a block, each to the end of its line; `None` if one may have several lines, or
/// begin within a text of several lines.
fn comments(block: &str) -> Option<Vec<&str>> {
    if block.contains("/*") || block.contains("<<") {
        return None;
    }
    let comment = |line: &'_ str| -> Option<usize> {
        let (mut quoted, mut escaped) = (false, false);
        for (at, c) in line.char_indices() {
            match c {
                '"' if !escaped => quoted = !quoted,
                '#' if !quoted => return Some(at),
                '/' if !quoted && line[at..].starts_with("//") => return Some(at),
                _ => {}
            }
            escaped = c == '\\' && !escaped;
        }
        None
    };
    let found = block
        .lines()
        .filter_map(|line| Some(line[comment(line)?..].trim_end()));
    Some(found.collect())
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn block() -> BackendBlock {
        BackendBlock {
            label: "s3",
            arguments: "bucket = \"acme\"\n\nencrypt = true\n".to_owned(),
        }
    }

    #[test]
    fn one_block_is_replaced_and_comments_stay() {
        let text = "# Ours.\nterraform {\n  required_version = \">= 1.10\"\n\n  # Where it is.\n  \
                    backend \"local\" {\n    # Ask ops first.\n    path = \"#1/a.tfstate\" // old\n  \
                    } # end\n}\n\nresource \"x\" \"y\" {}\n";
        assert_snapshot!(block().put_into(text).expect("edited"), @r#"
        # Ours.
        terraform {
          required_version = ">= 1.10"

          # Where it is.
          backend "s3" {
            # Ask ops first.
            // old
            bucket = "acme"

            encrypt = true
          } # end
        }

        resource "x" "y" {}
        "#);
    }

    #[test]
    fn file_of_ours_is_written_anew_and_belongs_to_the_user() {
        let ours = header::stamp(None, &block().to_configuration());
        let local = BackendBlock {
            label: "local",
            arguments: String::new(),
        };
        let new = local.put_into(&ours).expect("edited");
        assert!(!header::is_ours(&new), "{new}");
        assert!(new.contains("backend \"local\" {\n  }"), "{new}");
    }

    #[test]
    fn what_cannot_be_edited_is_left_to_the_user() {
        for (text, why) in [
            ("", "one block"),
            (
                "terraform {\n  backend \"a\" {}\n}\nterraform {\n  cloud {}\n}\n",
                "one block",
            ),
            (
                "terraform {\n  backend \"a\" {\n    /* why */\n  }\n}\n",
                "comment",
            ),
            (
                "terraform {\n  backend \"a\" {\n    x = <<E\n#\nE\n  }\n}\n",
                "text",
            ),
            (
                "terraform { backend \"a\" {} }\n",
                "does not begin its line",
            ),
            ("terraform {", "not valid HCL"),
        ] {
            let refused = block().put_into(text).expect_err(text);
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }

    #[test]
    fn ends_of_lines_stay() {
        let text = "terraform {\r\n  backend \"local\" {}\r\n}\r\n";
        let edited = block().put_into(text).expect("edited");
        assert!(!edited.replace("\r\n", "").contains('\n'), "{edited:?}");
    }
}
