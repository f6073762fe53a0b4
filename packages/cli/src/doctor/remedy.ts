/** Cures that `doctor --fix` can apply by itself: each changes one thing, and can be changed back by hand. */

export type Remedy =
  /** @param path with slashes, like `net/ipv4/conf/eth0/rp_filter` */
  | { readonly kind: 'sysctl'; readonly path: string; readonly value: string }
  | { readonly kind: 'mode'; readonly file: string; readonly mode: number }
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'link-up'; readonly interface: string }
  | { readonly kind: 'no-large-receive'; readonly interface: string }
  /** Undoes what a dead node left, as the next start would. */
  | { readonly kind: 'leftover'; readonly journal: string };

/** Names of interfaces may have dots: then the form with slashes is the only clear one. */
const sysctlName = (path: string): string => (path.includes('.') ? path : path.replaceAll('/', '.'));

/** The remedy as what one would type. */
export function describeRemedy(remedy: Remedy): string {
  switch (remedy.kind) {
    case 'sysctl':
      return `sysctl -w ${sysctlName(remedy.path)}=${remedy.value}`;
    case 'mode':
      return `chmod ${remedy.mode.toString(8)} ${remedy.file}`;
    case 'directory':
      return `mkdir -p ${remedy.path}`;
    case 'link-up':
      return `ip link set ${remedy.interface} up`;
    case 'no-large-receive':
      return `ethtool -K ${remedy.interface} lro off`;
    case 'leftover':
      return `undo what ${remedy.journal} lists`;
  }
}

/** What keeps the remedy in force after a restart of the host; undefined where it lasts by itself. */
export function persistence(remedy: Remedy): string | undefined {
  switch (remedy.kind) {
    case 'sysctl':
      return `add to /etc/sysctl.d/60-ringmaster.conf: ${sysctlName(remedy.path)} = ${remedy.value}`;
    case 'directory':
      return remedy.path.startsWith('/run/')
        ? `add to /etc/tmpfiles.d/ringmaster.conf: d ${remedy.path} 0755 root root`
        : undefined;
    case 'no-large-receive':
      return `set it where the interface is configured, e.g. in a systemd .link file: [Link] LargeReceiveOffload=no`;
    default:
      return undefined;
  }
}
