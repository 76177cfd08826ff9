import { expect, test } from "vitest"
import { deviceCookie, readDevice, writeDeviceCookie } from "./device.ts"

test("a device is known for its own address alone, and nobody makes one up", () => {
  const cookie = writeDeviceCookie("owner@example.com")
  expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+/)
  const pair = cookie.split(";")[0]!
  expect(readDevice(`x=1; ${pair}`, "owner@example.com")).not.toBeNull()
  expect(readDevice(pair, "other@example.com")).toBeNull()
  expect(readDevice(null, "owner@example.com")).toBeNull()
  for (const forged of ["", "x", "x.y", ".", `${pair.slice(deviceCookie.length + 1, -2)}`])
    expect(readDevice(`${deviceCookie}=${forged}`, "owner@example.com")).toBeNull()
})
