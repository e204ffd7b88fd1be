//! Memory and descriptors of this process, under the names that all Prometheus clients use. From `/proc`, so on Linux only.

use std::fs;

use engine::{Metric, Value};

/// What can be read; nothing on other systems.
pub fn read() -> Vec<Metric> {
    let metrics = [
        ("process_resident_memory_bytes", "Resident memory, bytes.", resident_bytes()),
        ("process_open_fds", "Open file descriptors.", open_fds()),
        ("process_max_fds", "Most file descriptors that may be open.", max_fds()),
    ];
    let metric = |(name, help, value): (_, _, Option<u64>)| Some(Metric { name, help, value: Value::gauge(value?) });
    metrics.into_iter().filter_map(metric).collect()
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1_024)
}

/// Without the one that lists them.
fn open_fds() -> Option<u64> {
    let listed = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    Some(listed.saturating_sub(1))
}

/// None when there is no limit.
fn max_fds() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_descriptors() {
        let metrics = read();
        let value = |name: &str| metrics.iter().find(|metric| metric.name == name).map(|metric| &metric.value);
        let Some(Value::Gauge(before)) = value("process_open_fds") else { panic!("{metrics:?}") };
        assert!(matches!(value("process_resident_memory_bytes"), Some(Value::Gauge(bytes)) if *bytes > 1e6));
        let opened = [(); 3].map(|()| fs::File::open("/proc/self/status").unwrap());
        assert!(open_fds().is_some_and(|now| now as f64 >= before + 3.0), "{opened:?}");
    }
}
