//! The log of Terraform (`TF_LOG_PATH`).

use std::{
    collections::BTreeSet,
    io::{self, Read},
};

/// What the `s3` backend of Terraform 1.6 and later writes beside the ID of each lock that it is
/// about to acquire (`internal/backend/remote-state/s3/logging.go`).
const LOCK_ID: &str = "tf_backend.lock.id";
const ID_LENGTH: usize = 36;
const CHUNK: u64 = 1 << 20;
/// More than the name and the ID have.
const OVERLAP: usize = 128;

/// Returns the IDs of the locks that the processes of a log acquired, or tried to.
///
/// # Errors
/// If the log cannot be read.
pub(crate) fn lock_ids(mut log: impl Read) -> io::Result<BTreeSet<String>> {
    let (mut ids, mut read) = (BTreeSet::new(), vec![]);
    while log.by_ref().take(CHUNK).read_to_end(&mut read)? > 0 {
        let text = String::from_utf8_lossy(&read);
        ids.extend(text.split(LOCK_ID).skip(1).filter_map(id));
        let known = read.len().saturating_sub(OVERLAP);
        read.drain(..known);
    }
    Ok(ids)
}

/// The ID after its name, in a text (`=ID`) or in JSON (`":"ID"`).
fn id(rest: &str) -> Option<String> {
    let rest = rest.trim_start_matches(['"', ':', '=', ' ']);
    let end = rest.find(|c: char| !c.is_ascii_hexdigit() && c != '-')?;
    (end == ID_LENGTH).then(|| rest[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "92c8d17c-45e1-088b-7788-6b026439172e";
    const TWO: &str = "166cfbe8-bd48-4727-7587-e50237ffdf71";

    #[test]
    fn ids_are_read_from_text_and_json() {
        let log = format!(
            "2026-11-30T15:02:03.287Z [INFO]  backend-s3: Attempting to lock remote state (S3 Native \
             and DynamoDB)...: tf_backend.lock.id={ONE} tf_backend.lock.info=\"\"\n\
             {{\"@level\":\"info\",\"tf_backend.lock.id\":\"{TWO}\",\"tf_backend.lock.info\":\"\"}}\n"
        );
        assert_eq!(
            lock_ids(log.as_bytes())
                .unwrap()
                .into_iter()
                .collect::<Vec<_>>(),
            [TWO, ONE]
        );
    }

    #[test]
    fn what_is_no_id_is_none() {
        for log in [
            String::new(),
            format!("lock.id={ONE}\n"),
            format!("tf_backend.lock.id={}\n", &ONE[1..]),
            format!("tf_backend.lock.id={ONE}0\n"),
            format!("tf_backend.lock.id={ONE}"),
            "tf_backend.lock.id=\n".to_owned(),
        ] {
            assert_eq!(lock_ids(log.as_bytes()).unwrap(), BTreeSet::new(), "{log}");
        }
    }

    #[test]
    fn an_id_across_two_parts_is_found() {
        let chunk = usize::try_from(CHUNK).unwrap();
        for before in [chunk - 60, chunk - 20, chunk - 1, chunk, 2 * chunk - 150] {
            let mut log = vec![0xff; before];
            log.extend(format!("tf_backend.lock.id={ONE} ").as_bytes());
            log.extend(vec![b'x'; 300]);
            assert_eq!(lock_ids(&*log).unwrap().len(), 1, "{before}");
        }
    }
}
