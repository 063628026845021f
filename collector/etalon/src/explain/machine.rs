//! What there is of the machine that a configuration is explained on.

use std::fs;
use std::path::{Path, PathBuf};

use etalon_service::explain::FileSystem;

/// `TMPFS_MAGIC` and `RAMFS_MAGIC` of statfs(2).
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];

/// Bytes that this process may have: the limit of its control group, or else the memory of the machine.
pub(super) fn memory() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"));
    let total = total?.parse::<u64>().ok()?.checked_mul(1024)?;
    Some(control_group().map_or(total, |limit| limit.min(total)))
}

/// The limit of the control group, version 2, that this process is in, and of those above it.
fn control_group() -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let group = PathBuf::from("/sys/fs/cgroup").join(path);
    let groups = group.ancestors().take_while(|group| group.starts_with("/sys/fs/cgroup"));
    groups.filter_map(|group| fs::read_to_string(group.join("memory.max")).ok()?.trim().parse().ok()).min()
}

/// The file system of a folder, or of what it would be made in.
pub(super) fn file_system(folder: &Path) -> Option<FileSystem> {
    let folder = std::path::absolute(folder).ok()?;
    let there = folder.ancestors().find(|folder| folder.exists())?;
    let found = rustix::fs::statfs(there).ok()?;
    let kind = u64::try_from(found.f_type).ok()?;
    let block = u64::try_from(found.f_bsize).ok()?;
    Some(FileSystem { is_in_memory: IN_MEMORY.contains(&kind), bytes: found.f_blocks.checked_mul(block)? })
}

/// A number of bytes, perhaps with a unit.
pub(super) fn parse_bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];
    let unit = UNITS.into_iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?, size)));
    let (number, size) = unit.unwrap_or((text, 1));
    let number = number.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(size));
    number.ok_or_else(|| "write a whole number of bytes, or of KiB, MiB, GiB or TiB: 2GiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_with_and_without_a_unit() {
        for (text, bytes) in
            [("0", 0), ("512", 512), ("3KiB", 3 << 10), ("2 GiB", 2 << 30), ("1TiB", 1 << 40)]
        {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "GiB", "-1", "1.5GiB", "2G", "99999999999TiB"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_file_system_of_a_folder_that_is_not_there_is_that_of_its_place() {
        let (there, missing) = (file_system(Path::new("/")), file_system(Path::new("/no/such/folder")));
        assert!(there.is_some_and(|found| found.bytes > 0));
        assert_eq!(there, missing);
    }

    #[test]
    fn this_machine_has_memory() {
        assert!(memory().is_some_and(|bytes| bytes > 1 << 20));
    }
}
