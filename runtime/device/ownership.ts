/** Which folders only this user, and root, can change: code is loaded from no other. */
import { lstat, mkdir, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';

const WRITABLE_BY_GROUP = 0o020;
const WRITABLE_BY_ALL = 0o002;
const STICKY = 0o1000;

/**
 * Makes the folder, for this user alone, where it is missing.
 * @throws Error, with a message for people, where somebody else can write to it or put another in its place
 */
export async function ownedFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await requireOwned(folder, 'folder');
  for (let above = dirname(await realpath(folder)); ; above = dirname(above)) {
    const { mode, uid } = await lstat(above);
    // Whoever owns a folder, or may write to it, can rename what lies in it; in a sticky one only the owner of each entry.
    const isOpen = (mode & WRITABLE_BY_ALL) !== 0 && (mode & STICKY) === 0;
    if (isOpen || (uid !== 0 && uid !== process.getuid?.()))
      throw new Error(`${above}, which holds ${folder}, can be changed by others`);
    if (above === dirname(above)) return;
  }
}

/** @throws Error, with a message for people, unless this user owns it and nobody else may write to it */
export async function requireOwned(path: string, kind: 'folder' | 'file'): Promise<void> {
  const found = await lstat(path);
  if (kind === 'folder' ? !found.isDirectory() : !found.isFile()) throw new Error(`${path} is not a ${kind}`);
  if (found.uid !== process.getuid?.()) throw new Error(`${path} belongs to another user`);
  if ((found.mode & (WRITABLE_BY_GROUP | WRITABLE_BY_ALL)) !== 0) throw new Error(`${path} can be changed by others`);
}
