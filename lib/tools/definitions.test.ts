import { describe, expect, test } from "vitest"
import { readDefinition } from "./definitions.ts"

const read = (inputSchema: Record<string, unknown>, more = {}) =>
  readDefinition({ name: "find", description: "Finds.", inputSchema, ...more })
const properties = (all: object, required: string[] = []) =>
  read({ type: "object", properties: all, required })

describe("what a server says of its tool", () => {
  test("becomes flat values with their bounds", () => {
    const { parameters, fault } = properties(
      {
        order: {
          type: "string",
          description: "Its number.",
          maxLength: 5_000,
          pattern: "^[0-9]+$",
        },
        count: { type: ["integer", "null"], minimum: 1, maximum: 9 },
        size: { enum: ["s", "m"] },
        isGift: { type: "boolean" },
      },
      ["order"],
    )
    expect(fault).toBeNull()
    expect(parameters).toEqual({
      type: "object",
      properties: {
        order: { type: "string", description: "Its number.", maxLength: 1_000 },
        count: { type: "integer", minimum: 1, maximum: 9 },
        size: { type: "string", enum: ["s", "m"] },
        isGift: { type: "boolean" },
      },
      required: ["order"],
      additionalProperties: false,
    })
  })

  test("with parts that nobody must give loses them", () => {
    const { parameters } = properties(
      { order: { type: "string" }, filter: { type: "object" }, tags: { type: "array" } },
      ["order"],
    )
    expect(Object.keys(parameters!.properties)).toEqual(["order"])
  })

  test.each([
    [{ type: "object", properties: {} }],
    [{ type: "array", items: { type: "string" } }],
    [{ anyOf: [{ type: "string" }, { type: "number" }] }],
    [{ type: ["string", "number"] }],
    [{ $ref: "#/$defs/order" }],
    [{ type: "number", enum: [1, 2] }],
    [{ enum: [{ a: 1 }] }],
    [undefined],
  ])("that must have %j cannot be used, and says why", (value) => {
    const { parameters, fault } = properties({ filter: value }, ["filter"])
    expect(parameters).toBeNull()
    expect(fault).toContain("“filter”")
  })

  test("that depends on itself, or needs too much, cannot be used", () => {
    for (const schema of [{ anyOf: [] }, { allOf: [] }, { oneOf: [] }, { $ref: "#" }])
      expect(read(schema).fault).toContain("depend")
    const many = Array.from({ length: 21 }, (_, i) => `v${i}`)
    const all = Object.fromEntries(many.map((name) => [name, { type: "string" }]))
    expect(properties(all, many).fault).toContain("20")
    expect(Object.keys(properties(all).parameters!.properties)).toHaveLength(20)
    expect(properties({ "a b": { type: "string" } }, ["a b"]).fault).toContain("“a b”")
  })

  test("is read without what people cannot see, and is short", () => {
    const hidden = "\u{E0041}\u202e\u200b\u0007"
    const tool = read({ properties: { a: { type: "string", description: `A${hidden}B` } } })
    expect(tool.parameters!.properties.a!.description).toBe("A B")
    const long = readDefinition({
      name: "x",
      description: `${hidden}D`.repeat(2_000),
      inputSchema: {},
    })
    expect(long.description).toHaveLength(1_000)
    expect(long.description).not.toMatch(/\p{Cf}/u)
    expect(readDefinition({ name: "x", inputSchema: {} }).description).toBe("x")
  })
})

test("the hash is of everything that was said, in whatever order", () => {
  const hash = (schema: Record<string, unknown>, more = {}) => read(schema, more).definitionHash
  const base = hash({ type: "object", properties: { a: { type: "string" } } })
  expect(hash({ properties: { a: { type: "string" } }, type: "object" })).toBe(base)
  expect(base).toMatch(/^[0-9a-f]{64}$/)
  const others = [
    hash({ type: "object", properties: { a: { type: "string", description: "Also the card." } } }),
    hash({ type: "object", properties: { a: { type: "string" }, b: { type: "object" } } }),
    // Hidden letters are not shown, and still are another definition.
    hash(
      { type: "object", properties: { a: { type: "string" } } },
      { description: "Finds.\u200b" },
    ),
    hash({ type: "object", properties: { a: { type: "string" } } }, { name: "find2" }),
  ]
  expect(new Set([base, ...others]).size).toBe(5)
})

test("a tool of tens of thousands of values is refused, not read", () => {
  const many = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`v${i}`, {}]))
  expect(properties(many).fault).toMatch(/more than 200 values/)
})
